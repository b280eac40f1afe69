"""`antiphon learn` in a process of its own, end to end."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

KEYS = [
    "dataset", "program", "test_score", "metric", "baselines", "size", "candidates", "seconds",
    "compile_seconds", "seed", "versions",
]  # fmt: skip


def test_it_says_what_it_does_and_what_came_out(learned):
    _, ended = learned
    lines = [line for line in ended.out.splitlines() if line.strip()]
    assert lines[0].startswith("planted-speed ")
    assert lines[0].endswith(" 200 training and 200 test sequences, 8-20 frames, 4 features, 2 classes")
    assert lines[1].startswith("searching")
    assert "language sequence" in lines[1]
    assert "12 candidates" in lines[1]
    assert any(line.startswith("program ") and "on the test split" in line for line in lines)
    compared = next(line for line in lines if line.startswith("compared with"))
    for name in ("majority", "logistic regression", "gradient boosting", "GRU"):
        assert name in compared
    assert lines[-1].split() == ["wrote", "runs/planted-speed/program.antiphon", "report.html", "journal"]


def test_without_a_terminal_nothing_moves_or_glows(learned):
    out = learned[1].out
    assert "\x1b" not in out
    assert "\r" not in out
    assert all(line == line.rstrip() for line in out.splitlines())
    assert not learned[1].err


def test_the_figures_are_those_that_were_promised(learned):
    folder, _ = learned
    figures = json.loads((folder / "figures.json").read_text())
    assert list(figures) == KEYS
    assert figures["dataset"] == "planted-speed"
    assert figures["seed"] == 3
    assert 0.5 <= figures["test_score"] <= 1
    assert figures["metric"] == "accuracy"
    assert set(figures["baselines"]) == {"majority", "logistic regression", "gradient boosting", "GRU"}
    assert figures["candidates"] <= 12
    assert figures["size"] <= 20
    assert {"antiphon", "jax", "python"} <= set(figures["versions"])


def test_it_leaves_one_report_that_needs_nothing_else(learned):
    folder, _ = learned
    page = (folder / "runs/planted-speed/report.html").read_text("utf-8")
    assert "<script" not in page
    assert "<svg" in page
    assert "--seed 3" in page
    assert "where" in page.lower()


def test_the_printed_program_is_the_model(learned):
    from antiphon import load_model
    from antiphon.data import load
    from antiphon.language import Program

    folder, _ = learned
    figures = json.loads((folder / "figures.json").read_text())
    model = load_model(folder / "runs/planted-speed/program.antiphon")
    assert str(model.program_) == figures["program"]
    test = load("planted-speed").test
    retyped = Program.parse(figures["program"])
    assert (retyped.predict(list(test.X)) == model.predict(test.X)).all()


def test_a_folder_that_cannot_be_written_to_is_known_before_the_search(antiphon, learn, tmp_path):
    (tmp_path / "taken").write_text("a file, not a folder")
    ended = antiphon(*learn, "--out", tmp_path / "taken" / "run")
    assert ended.code == 2
    assert "cannot be written to" in ended.err
    assert "--out" in ended.err
    assert "searching" not in ended.out
    assert "Traceback" not in ended.err


def test_a_json_file_that_cannot_be_written_is_known_before_the_search(antiphon, learn, tmp_path):
    ended = antiphon(*learn, "--json", tmp_path / "nowhere" / "figures.json")
    assert ended.code == 2
    assert "figures.json" in ended.err
    assert "searching" not in ended.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("learn", "japanese-vowel"), "Did you mean japanese-vowels?"),
        (("learn", "planted-speed", "--target", "colour"), "no target 'colour'"),
        (("learn", "planted-speed", "--strategy", "guess"), "guess"),
        (("learn", "planted-speed", "--language", "latin"), "latin"),
        (("learn", "planted-speed", "--metric", "charm"), "charm"),
        (("learn", "planted-table", "--metric", "f1"), "f1"),
    ],
)
def test_what_a_user_can_mend_is_one_message(antiphon, arguments, said):
    ended = antiphon(*arguments)
    assert ended.code == 2
    assert said in ended.err
    assert "Traceback" not in ended.err
    assert "Expected: " in ended.err


def test_a_folder_of_another_search_is_not_mixed_up(antiphon, learned):
    ended = antiphon("learn", "planted-speed", "--seed", "4", "--out", learned[0] / "runs" / "planted-speed")
    assert ended.code == 2
    assert "--fresh" in ended.err
    assert "Traceback" not in ended.err


def test_ctrl_c_keeps_the_best_so_far(start, tmp_path):
    process = start("learn", "planted-speed", "--seconds", "200", "--candidates", "100000", cwd=tmp_path)
    for row in process.stdout:
        if "best" in row and "size" in row:
            break
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert "best so far" in out
    assert "wrote" in out
    assert "Traceback" not in err
    folder = tmp_path / "runs" / "planted-speed"
    assert {f.name for f in folder.iterdir()} >= {"program.antiphon", "report.html", "journal"}


@pytest.mark.slow
def test_ctrl_c_ends_the_workers_too(start, tmp_path):
    """In a terminal it reaches every process of the command."""
    process = start("learn", "planted-speed", "--jobs", "2", cwd=tmp_path, start_new_session=True)
    for row in process.stdout:
        if "best" in row and "size" in row:
            break
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert "wrote" in out
    assert "Traceback" not in err
    _wait_until(lambda: not _of_session(process.pid), most=20)
    assert not _of_session(process.pid)


def _of_session(number):
    found = subprocess.run(["ps", "-o", "args=", "-s", str(number)], capture_output=True, text=True)
    return found.stdout.splitlines()


def test_the_address_of_a_cluster_that_is_not_there(antiphon, learn, monkeypatch):
    monkeypatch.setattr("antiphon.search._cluster.CONNECTING_SECONDS", 0.5)
    ended = antiphon(*learn, "--cluster", "tcp://127.0.0.1:1")
    assert ended.code == 2
    assert "workers of tcp://127.0.0.1:1 ·" in ended.out
    assert "no Dask scheduler answers" in ended.err


@pytest.mark.slow
def test_killed_at_three_moments_and_started_again_it_ends_where_it_would_have(start, fresh, learn, tmp_path):
    whole = fresh(*learn, "--json", "figures.json", cwd=_folder(tmp_path / "whole"))
    assert whole.code == 0, whole.err
    folder = _folder(tmp_path / "killed")
    for moment in (1, 2, 3):
        process = start(*learn, "--json", "figures.json", cwd=folder)
        journal = folder / "runs/planted-speed/journal"
        _wait_until(lambda: _lines(journal) >= 4 * moment or process.poll() is not None)  # noqa: B023
        process.kill()
        process.communicate()
    ended = fresh(*learn, "--json", "figures.json", cwd=folder)
    assert ended.code == 0, ended.err
    assert "goes on where it was" in ended.out
    one, other = (json.loads((f / "figures.json").read_text()) for f in (tmp_path / "whole", folder))
    for key in ("program", "test_score", "size", "candidates", "baselines"):
        assert one[key] == other[key], key


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def _wait_until(condition, *, most=120.0):
    end = time.monotonic() + most
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
