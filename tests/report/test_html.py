"""The HTML report: self-contained, safe, whole, and honest."""

import dataclasses
import re
from html.parser import HTMLParser

import matplotlib
import numpy as np
import pytest

from antiphon.errors import OutputError
from antiphon.report import (
    BaselineScore,
    Confusion,
    DataSummary,
    FrontRow,
    Look,
    ProgramText,
    RunResult,
    render_html,
    write_html,
)

SECTIONS = ["program", "comparison", "looks", "errors", "front", "curves", "search", "data", "reproduce"]
HOSTILE = "<script>alert('x')</script>$a_{$\"&"


class Reader(HTMLParser):
    """Collects what a browser would load, the names in use and the text."""

    def __init__(self, page):
        super().__init__()
        self.loads, self.ids, self.tags, self.texts = [], [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value)
            if name in ("src", "href", "xlink:href", "srcset", "action", "data"):
                self.loads.append(value)

    def handle_data(self, data):
        self.texts.append(data)

    @property
    def text(self):
        return re.sub(r"\s+", " ", " ".join(self.texts))


def test_every_section_is_there_in_order(result):
    reader = Reader(render_html(result))
    assert [name for name in reader.ids if name in SECTIONS] == SECTIONS
    for said in ("It runs when its mean speed", "1[mean(speed) > 2.1]", "64 units", "antiphon learn walks",
                 "runs/walks/journal", "numpy 2.4", "2 cores, no GPU", "always predicts one class",
                 "predicted rest, true run", "speed (cm/s)", "42 candidates (2 failed)",
                 "chosen"):  # fmt: skip
        assert said in reader.text, said


def test_nothing_is_loaded_from_elsewhere(result):
    page = render_html(result)
    reader = Reader(page)
    assert all(target.startswith(("#", "data:image/png")) for target in reader.loads)
    assert not {"script", "link", "iframe", "object", "embed"} & set(reader.tags)
    assert "@import" not in page
    assert all(target.startswith("#") for target in re.findall(r"url\(['\"]?([^)]*)\)", page))
    assert len(reader.ids) == len(set(reader.ids))
    assert {"#" + name for name in reader.ids} >= {t for t in reader.loads if t.startswith("#")}


def test_drawings_take_their_colours_from_the_page(result):
    page = render_html(result)
    assert "prefers-color-scheme: dark" in page
    assert "fill: var(--program)" in page
    assert "#010203" not in page


def test_hostile_names_are_text(result):
    looks = tuple(
        dataclasses.replace(
            look,
            title=HOSTILE,
            feature_names=(HOSTILE, "\u97f3\u58f0 \U0001f400"),
            thresholds=((HOSTILE, 0.1, "<"),),
            windows=((HOSTILE, 0, 3),),
            true_label=HOSTILE,
            true_tags=(HOSTILE, "b") * 10,
        )
        for look in result.looks
    )
    hostile = dataclasses.replace(
        result,
        data=dataclasses.replace(result.data, name=HOSTILE, class_names=(HOSTILE, "b"), description=HOSTILE),
        program=ProgramText(HOSTILE, 3, HOSTILE, HOSTILE, (HOSTILE,), HOSTILE),
        metric=HOSTILE,
        front=(FrontRow(1, 0.5, HOSTILE, True, 0.1, HOSTILE, HOSTILE),),
        baselines=(BaselineScore(HOSTILE, 0.1, 1.0, HOSTILE),),
        confusion=Confusion(np.eye(2, dtype=int), (HOSTILE, "b\udcff")),
        importance=((HOSTILE, 1.0),),
        curves=tuple(dataclasses.replace(curve, name=HOSTILE) for curve in result.curves),
        looks=looks,
    )
    page = render_html(hostile)
    assert "<script" not in page
    assert "&lt;script&gt;alert" in page
    assert "script" not in Reader(page).tags
    page.encode("utf-8")


def test_the_same_result_gives_the_same_page_and_leaves_matplotlib_alone(result):
    before = dict(matplotlib.rcParams)
    assert render_html(result) == render_html(result)
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize(
    ("score", "higher", "said"),
    [
        (0.9, True, "better than every baseline; next is GRU at 0.850"),
        (0.8502, True, "level with the best baseline, GRU"),
        (0.7, True, "worse than the best baseline, GRU at 0.850"),
        (0.9, False, "worse than the best baseline, majority at 0.600"),
        (0.5, False, "better than every baseline; next is majority"),
        (float("nan"), True, "could not be scored"),
    ],
)
def test_the_headline_is_honest(result, score, higher, said):
    scored = dataclasses.replace(result, test_score=score, higher_is_better=higher)
    assert said in Reader(render_html(scored)).text


def test_the_headline_tells_chance_and_remarks(result):
    assert "1 of 20 test case; chance alone" in Reader(render_html(result)).text
    assert "so read it as a draw" in Reader(render_html(result)).text
    surer = dataclasses.replace(result, baselines=(BaselineScore("majority", 0.1),))
    assert "so read it as a draw" not in Reader(render_html(surer)).text
    front = (FrontRow(1, 0.6, "constant", chosen=True, note="always predicts one class"),)
    constant = dataclasses.replace(result, front=front)
    assert "The chosen program: always predicts one class." in Reader(render_html(constant)).text


def test_regression_draws_a_scatter(regression):
    text = Reader(render_html(regression)).text
    assert "mean absolute error is 0.1." in text
    assert "Lower is better" in text
    assert "better than every baseline; next is mean at 3.000" in text


def test_tagging_draws_the_labels_of_each_frame(result):
    look = dataclasses.replace(
        result.looks[0], true_tags=("rest",) * 12 + ("run",) * 8, predicted_tags=("rest",) * 20
    )
    tagging = dataclasses.replace(
        result, data=dataclasses.replace(result.data, task="tagging"), looks=(look,)
    )
    page = render_html(tagging)
    assert "Frames of the test split" in Reader(page).text
    ribbon_colours = {"#1f77b4", "#aec7e8"}  # of the two labels
    assert all(colour in page for colour in ribbon_colours)
    assert not any(colour in render_html(result) for colour in ribbon_colours)


def test_a_bare_result_still_makes_every_section():
    data = DataSummary("table", "classification", 1, 1, (1, 1), ("a",))
    page = render_html(RunResult(data, ProgramText("a", 1), "accuracy", 1.0))
    reader = Reader(page)
    assert [name for name in reader.ids if name in SECTIONS] == SECTIONS
    assert "No baseline was run" in reader.text
    assert "1 training and 1 test rows, 1 feature" in reader.text


@pytest.mark.parametrize(
    ("classes", "features", "frames"), [(2, 1, 1), (2, 100, 1), (50, 100, 1500), (21, 3, 2)]
)
def test_plots_take_few_and_many_classes_and_features(result, classes, features, frames):
    rng = np.random.default_rng(0)
    names = tuple(f"a_rather_long_name_of_feature_{i}" for i in range(features))
    values = rng.normal(size=(frames, features))
    labels = tuple(f"class {i}" for i in range(classes))
    many = dataclasses.replace(
        result,
        confusion=Confusion(rng.integers(0, 2000, (classes, classes)), labels),
        importance=tuple((name, 1.0) for name in names),
        looks=(Look("long", values, values, names, thresholds=((names[-1], 0.5, ">"),)),),
        front=tuple(FrontRow(i + 1, 1 - 0.5**i, "sketch") for i in range(8)),
    )
    text = Reader(render_html(many)).text
    assert ("of 100 features that weigh most here" in text) == (features == 100)
    assert ("The first 25 of 100 features" in text) == (features == 100)


def test_a_file_is_written_whole_or_not_at_all(result, tmp_path):
    write_html(result, tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text("utf-8") == render_html(result)
    with pytest.raises(OutputError, match="create the folder first"):
        write_html(result, tmp_path / "no" / "report.html")
