"""What one task leaves for the next: modules with their arrays, kept, loaded, used and said out again."""

import json
import re
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from antiphon.data import folds
from antiphon.errors import InputError, LanguageError, ModelFileError
from antiphon.language import (
    LANGUAGES,
    Apply,
    Language,
    Output,
    Program,
    Real,
    canonical,
    check,
    inline,
    parse_term,
    sequence,
    walk,
)
from antiphon.search import Grammar, Library, Scored, Settings, Task, learn, learn_tasks, modules_of
from antiphon.search._beam import Beam

HEAD = """language sequence
input x: Seq[Real[2]] of speed [cm/s], angle [rad]
groups {"turning": ["angle"]}
rate 10 Hz
"""
FAST = Program.parse(
    HEAD + 'output classes ["slow", "fast"] threshold 0.25\nprogram\n  affine[2*speed - 3](last(x))'
)
TURN = Program.parse(
    HEAD
    + "output numbers way\nprogram\n  if affine[speed - 5](last(window_mean[width=5, look=trailing](x))) > 0"
    " then affine[turning: 2*angle](mean(x)) else affine[1](mean(x))"
)
TAGS = Program.parse(
    HEAD + "output tags [0, 1]\nprogram\n  map(v -> if affine[speed - 1](v) > 0 then affine[1*speed](v)"
    " else affine[1*angle](v), delta(x))"
)
FOLD = Program.parse(
    HEAD
    + "output numbers way\nprogram\n  affine[1*v0](fold_tanh[hidden=1, kernel=[[1, 2]], recurrent=[[0.5]],"
    " bias=[0]](x))"
)


def library():
    made = Library().with_task("fast", [FAST], 0.9).with_task("turn", [TURN], 0.8)
    return made.with_task("tags", [TAGS], 0.7).with_task("fold", [FOLD], 0.6)


def frames(count=6, features=2):
    rng = np.random.default_rng(0)
    return rng.normal(0, 3, (count, 7, features)).astype(np.float32), np.ones((count, 7), bool)


def scores(term, language, values, mask):
    output = Output("regression", targets=("y",))
    return Program(term, language, output).scores(values, mask)


def test_parts_are_taken_with_their_kinds():
    kinds = {m.name: (m.kind, str(m.type)) for m in library().modules}
    assert kinds == {
        "fast_decision": ("decision", "Real[1]"),
        "fast_score": ("score", "Real[1]"),
        "turn_score": ("score", "Real[1]"),
        "turn_condition": ("condition", "Real[1]"),
        "turn_map": ("map", "Real[1]"),
        "tags_frames": ("frames", "Seq[Real[1]]"),
        "fold_score": ("score", "Real[1]"),
        "fold_map": ("map", "Real[1]"),
    }
    assert all(m.task == m.name.split("_")[0] for m in library().modules)


def test_a_decision_is_what_the_program_says():
    decision = modules_of(FAST, "fast", 1.0)[0]
    values, mask = frames(20)
    said = scores(decision.term, FAST.language, values, mask)[:, 0]
    assert said.tolist() == (FAST.decide(FAST.scores(values, mask)) == "fast").astype(float).tolist()
    assert 0 < said.sum() < 20


def test_each_module_is_a_word_with_the_value_it_had():
    plain = FAST.language
    extended = library().extend(plain)
    assert not {m.name for m in library().modules} & plain.primitives.keys()
    values, mask = frames()
    for module in library().modules:
        if str(module.type) == "Real[1]":
            said = scores(parse_term(f"{module.name}(x)", extended), extended, values, mask)
            np.testing.assert_array_equal(said, scores(module.term, module.language, values, mask))


def test_every_rule_can_be_said_somewhere():
    extended = library().extend(FAST.language)
    new = [r for r in extended.rules if r not in FAST.language.rules]
    assert len(new) > 20
    for type_ in (Real(1), Real(3)):
        grammar = Grammar(extended, type_)
        for term in [*grammar.grow(None)[:10], *grammar.expand(grammar.root)]:
            check(term, grammar.language, type_)
    begun = Grammar(extended, Real(1)).grow(None)
    assert begun[0] == parse_term("affine(fast_decision(x))", extended, Real(1))
    condition = Grammar(extended, Real(1)).expand(parse_term("?condition", extended, Real(1)))
    assert parse_term("turn_condition(x)", extended) in condition


def test_a_word_multiplies_what_is_there_and_meets_no_summary_by_itself():
    """As a factor of a product it would come with every summary there is: a budget of candidates a word."""
    plain, type_ = Grammar(FAST.language, Real(1)), Real(1)
    extended = Grammar(library().extend(FAST.language), type_)
    words = len(library().modules)
    assert len(extended.grow(None)) <= len(plain.grow(None)) + 3 * words
    known = parse_term("affine(last(x))", extended.plain, type_)
    by_words = extended.grow(known, by_words=True)
    for text in (
        "affine(last(x)) * affine(fast_decision(x))",
        "if turn_condition(x) > 0 then affine(last(x)) else affine(last(x))",
    ):
        assert canonical(parse_term(text, extended.plain, type_), extended.plain) in by_words
    assert 0 < len(by_words) <= 4 * words
    assert set(by_words) <= set(extended.grow(known))
    assert not plain.grow(known, by_words=True)


def test_what_a_word_reads_is_not_swapped():
    extended = Grammar(library().extend(FAST.language), Real(1))
    program = parse_term("affine(last(x)) + affine(fast_score(x))", extended.plain, Real(1))
    swapped = extended.swap(program)
    assert swapped
    assert all(parse_term("fast_score(x)", extended.plain) in [n for _, n in walk(t)] for t in swapped)


def test_a_beam_grows_by_words_first_and_then_by_all_rules():
    grammar = Grammar(library().extend(FAST.language), Real(1))
    beam = Beam(grammar, penalty=0.001)
    begun = beam.propose()
    best = parse_term("affine(last(x))", grammar.plain, Real(1))
    beam.observe([Scored(t, 0.1 if t == best else 0.9) for t in begun])
    ranked = sorted(beam.order, key=beam.order.__getitem__)[:2]
    by_words = beam.propose()
    assert set(by_words) == {t for p in ranked for t in grammar.grow(p, by_words=True)} - set(begun)
    beam.observe([Scored(t, 0.9) for t in by_words])
    after = beam.propose()
    assert set(grammar.grow(best)) <= {*begun, *by_words, *after}
    assert not set(by_words) & set(after)


def test_a_module_fits_where_its_features_are():
    values, mask = frames(features=3)
    wide = sequence.bind(
        {"noise": "", "angle": "rad", "speed": "cm/s"}, groups={"turning": ("angle",)}, rate_hz=10
    )
    extended = library().extend(wide)
    said = scores(parse_term("turn_score(x)", extended), extended, values, mask)
    np.testing.assert_allclose(said, TURN.scores(values[:, :, [2, 1]], mask), rtol=1e-5)
    assert "fold_score" not in extended.primitives  # Its kernel is over exactly two features.
    only = library().extend(sequence.bind({"speed": "cm/s"}, rate_hz=10))
    assert "fast_score" in only.primitives
    assert "turn_map" not in only.primitives


@pytest.mark.parametrize(
    ("changes", "missing", "kept"),
    [
        ({"features": {"speed": "m/s", "angle": "rad"}}, "fast_score", None),
        ({"rate_hz": 20}, "turn_condition", "fast_score"),
        ({"groups": {"turning": ("speed",)}}, "turn_map", "fast_score"),
        ({"is_table": True}, "fast_score", None),
    ],
)
def test_a_module_stays_out_where_it_would_mean_something_else(changes, missing, kept):
    given = {
        "features": dict(FAST.language.features),
        "groups": FAST.language.groups,
        "rate_hz": 10,
        **changes,
    }
    extended = library().extend(sequence.bind(given.pop("features"), **given))
    assert missing not in extended.primitives
    assert kept is None or kept in extended.primitives


def test_a_primitive_of_the_same_name_that_is_another_is_not_taken_for_it():
    mine = Language("mine-for-the-library")

    @mine.primitive("Seq[Real[n]] -> Real[n]", name="last")
    def last(frames, mask):
        return frames[0]

    bound = mine.bind(FAST.language.features, groups=FAST.language.groups, rate_hz=10)
    assert "fast_score" not in library().extend(bound).primitives
    del LANGUAGES["mine-for-the-library"]


def test_a_library_is_one_file_that_loads_to_the_same(tmp_path):
    path = tmp_path / "motion.library"
    made = library()
    made.save(path)
    again = Library.load(path)
    assert str(again) == str(made)
    assert [m.term for m in again.modules] == [m.term for m in made.modules]
    assert again.solved == made.solved
    assert again.abstractions == made.abstractions
    first = path.read_bytes()
    again.save(path)
    assert path.read_bytes() == first
    with zipfile.ZipFile(path) as archive:
        assert archive.read("library.txt").decode() == f"{made}\n"
        assert not [n for n in archive.namelist() if not n.endswith((".txt", ".json", ".safetensors"))]


def rewritten(path, change):
    """The file with another `library.json`, its sums in order."""
    from antiphon.search._library_file import _ARCHIVE

    members = _ARCHIVE.unpack(str(path))
    described = json.loads(members["library.json"])
    change(described)
    path.write_bytes(_ARCHIVE.pack({**members, "library.json": json.dumps(described).encode()}))


def other_arrays(described):
    described["modules"][0]["text"] = described["modules"][0]["text"].replace("2*speed", "3*speed")


def other_language(described):
    described["modules"][0]["language"] = "nowhere"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (other_arrays, "not the same"),
        (other_language, "nowhere"),
        (lambda d: d.pop("solved"), "solved"),
        (lambda d: d["modules"][0].update(text="mean(y)"), "cannot be read"),
    ],
)
def test_a_library_whose_parts_do_not_fit_is_refused(tmp_path, change, message):
    path = tmp_path / "motion.library"
    library().save(path)
    rewritten(path, change)
    with pytest.raises(ModelFileError, match=message):
        Library.load(path)


def test_a_file_that_is_no_library_is_refused(tmp_path):
    path = tmp_path / "motion.library"
    with pytest.raises(ModelFileError, match="library file"):
        Library.load(path)
    path.write_text("nothing")
    with pytest.raises(ModelFileError, match="no library file"):
        Library.load(path)
    library().save(path)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(ModelFileError, match="truncated"):
        Library.load(path)


def test_names_are_used_once_and_programs_are_needed():
    with pytest.raises(InputError, match="'fast' is in the library already"):
        library().with_task("fast", [FAST], 1.0)
    with pytest.raises(InputError, match="No program"):
        library().with_task("none", [], 1.0)
    twice = library().with_task("9 lives!", [TURN], 0.5)
    assert len(twice.modules) == len(library().modules)  # The same parts are no news.
    named = Library().with_task("9 lives!", [TURN], 0.5)
    assert named.modules[0].name == "task_9_lives_score"
    assert str(Library()) == "(an empty library)"


@pytest.fixture(scope="module")
def tasks(problem):
    """Three tasks on one kind of data: the second is the first with other words, the third a regression."""

    def task(name, given, output):
        return Task(name, given, output, lambda n, seed: folds(given.targets.reshape(-1), n=n, seed=seed))

    first = problem()
    turned = replace(first, targets=1 - first.targets)
    return [
        task("fast", first, Output("classification", ("slow", "fast"))),
        task("slow", turned, Output("classification", ("fast", "slow"))),
        task("way", problem("regression"), Output("regression", targets=("way",))),
    ]


SMALL = Settings(candidates=8, size_limit=7, steps=40, finalists=2)


def words_in(program):
    return {n.name for _, n in walk(program.term) if isinstance(n, Apply)}


@pytest.mark.slow
@pytest.mark.parametrize("tunable", [False, True])
def test_a_later_task_uses_the_library_and_its_program_needs_none(tasks, tunable):
    texts = []
    lessons = learn_tasks(
        tasks, SMALL, tunable=tunable, listeners=[lambda e: texts.append(getattr(e, "text", ""))]
    )
    names = [m.name for m in lessons.library.modules]
    assert lessons.library.tasks == ("fast", "slow", "way")
    assert "affine(fast_decision(x))" in texts
    for result in lessons.results.values():
        assert not words_in(result.chosen.program) & set(names)
        assert Program.parse(str(result.chosen.program)) == result.chosen.program
        assert result.chosen.size == result.chosen.program.size
    again = learn_tasks(tasks, SMALL, tunable=tunable)
    assert str(again.library) == str(lessons.library)


def test_tasks_go_on_from_their_journals_and_a_changed_library_is_another_search(tasks, tmp_path):
    first = learn_tasks(tasks[:2], SMALL, journals=tmp_path)
    sizes = {p.name: p.stat().st_size for p in tmp_path.iterdir()}
    assert sorted(sizes) == ["1.journal", "2.journal"]
    again = learn_tasks(tasks[:2], SMALL, journals=tmp_path)
    assert str(again.library) == str(first.library)
    assert {p.name: p.stat().st_size for p in tmp_path.iterdir()} == sizes
    other = Library().with_task("fast", [FAST], 0.9)
    changed = replace(tasks[1].problem, language=other.extend(tasks[1].problem.language))
    with pytest.raises(InputError, match="rules"):
        learn(changed, tasks[1].output, SMALL, split=tasks[1].split, journal=tmp_path / "2.journal")


def test_two_tasks_of_one_name_are_refused(tasks):
    with pytest.raises(InputError, match="called 'fast'"):
        learn_tasks([tasks[0]], SMALL, library=Library().with_task("fast", [FAST], 0.9))


def test_a_library_language_that_is_not_known_names_what_to_do(tmp_path):
    mine = Language("lent-to-the-library")
    bound = mine.bind({"speed": ""})
    program = Program(
        parse_term("affine[2*speed](mean(x))", bound), bound, Output("regression", targets=("y",))
    )
    path = tmp_path / "l"
    Library().with_task("t", [program], 1.0).save(path)
    kept = LANGUAGES.pop("lent-to-the-library")
    with pytest.raises(ModelFileError, match="import the module"):
        Library.load(path)
    assert Library.load(path, languages={"lent-to-the-library": kept}).tasks == ("t",)


def test_a_word_of_the_library_that_the_language_has_is_an_error():
    mine = sequence.bind(FAST.language.features, rate_hz=10)
    mine.primitive("Seq[Real[n]] -> Real[n]", name="fast_score")(sequence["last"].run)
    with pytest.raises(LanguageError, match="taken"):
        library().extend(mine)


def test_words_are_said_out_in_full():
    extended = library().extend(FAST.language)
    term = parse_term("affine[2*v0](turn_score(x)) + fast_decision(x)", extended)
    whole = inline(term, extended)
    values, mask = frames()
    said = scores(term, extended, values, mask)
    np.testing.assert_allclose(said, scores(whole, FAST.language, values, mask), rtol=1e-5, atol=1e-6)


@pytest.mark.slow
def test_the_page_on_several_tasks_runs(tmp_path, monkeypatch):
    page = (Path(__file__).parents[2] / "docs" / "reuse.md").read_text()
    code = re.findall(r"^```python\n(.*?)^```", page, re.M | re.S)
    monkeypatch.chdir(tmp_path)
    said = {}
    exec(code[0], said)
    assert said["later"].tasks == ("late", "both")
    assert str(said["later"]) == str(said["library"])
    words = {m.name for m in said["later"].modules}
    assert not words & words_in(said["small"].program_)
