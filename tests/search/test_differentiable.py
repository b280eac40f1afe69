"""Differentiable search: superpositions mean what their alternatives mean, and lead to planted programs."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given as generated
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from antiphon.errors import LanguageError, SearchError
from antiphon.fitting import Evaluator, Folds, Schedule, SlotValues
from antiphon.language import (
    Apply,
    Hole,
    Real,
    Seq,
    Var,
    check,
    data_arrays,
    evaluate,
    holes,
    parameter_shapes,
    path_name,
    sequence,
    walk,
)
from antiphon.search import (
    CandidateFitted,
    Differentiable,
    Grammar,
    Scored,
    Superposition,
    completions,
    filled,
)

OUTPUTS = (
    "affine(?summary)",
    "affine(?summary) + ?output",
    "if ?condition > 0 then ?output else ?output",
    "affine(?summary) * ?factor",
    "tanh(affine(?summary))",
)
OTHERS = (
    ("condition", "affine(?summary)"),
    ("factor", "affine(?summary)"),
    ("summary", "mean(x)"),
    ("summary", "last(x)"),
    ("summary", "max(?stream)"),
    ("stream", "delta(x)"),
    ("output", "map(v -> affine(v), ?frames)"),
    ("output", "map(v -> affine(v), ?stream_frames)"),
    ("output", "map(v -> affine(v), ?stream_frames) + ?output"),
    ("stream_frames", "delta(x)"),
    ("stream_frames", "prefix_mean(x)"),
)


def language_of(*rules, **binding):
    """`sequence` with these rules alone."""
    language = sequence.bind({"speed": "cm/s", "angle": "rad"}, **binding)
    language.rules[:] = []
    for role, template in rules:
        language.rule(role, template)
    return language


LANGUAGE = language_of(*[("output", t) for t in OUTPUTS], *OTHERS)
RNG = np.random.default_rng(0)
FRAMES = RNG.normal(3, 2, (30, 6, 2)).astype(np.float32)
MASK = np.arange(6)[None, :] < RNG.integers(3, 7, 30)[:, None]


def prepared(language, type_, **settings):
    """A grammar with superpositions over some frames, and the values of its slots."""
    grammar = Grammar(language, type_, relaxation="superposition", **settings)
    slots = SlotValues(language, np.where(MASK[..., None], FRAMES, 0), MASK)
    grammar.prepare(slots)
    return grammar, slots


GRAMMARS = {}


def grammar_of(tagging):
    if tagging not in GRAMMARS:
        GRAMMARS[tagging] = prepared(LANGUAGE, Seq(Real(2)) if tagging else Real(2), size_limit=40)
    return GRAMMARS[tagging]


def arrays_for(term, language, type_, leaf):
    """Arrays for every leaf of a term: `leaf(node, shapes)` gives them."""
    typing = check(term, language, type_)
    return {
        path_name(path): leaf(path_name(path), node, parameter_shapes(node, typing, path, language))
        for path, node in walk(term)
        if isinstance(node, Apply) and language[node.name].parameters
    }, data_arrays(term, language, typing)


def value_of(term, language, type_, leaf):
    arrays, data = arrays_for(term, language, type_, leaf)
    rows = []
    for frames, mask in zip(FRAMES[:6], MASK[:6], strict=True):
        value = evaluate(term, language, {"x": (np.where(mask[:, None], frames, 0), mask)}, arrays, data)
        rows.append(np.asarray(value[0])[mask].ravel() if isinstance(value, tuple) else np.asarray(value))
    return np.concatenate(rows)


def affine(shapes, location, scale):
    """The affine map that all leaves of a shape share, over input of this location and spread."""
    rows, entries = shapes["weight"]
    weight = np.linspace(-1, 1.5, rows * entries, dtype=np.float32).reshape(rows, entries)
    bias = np.linspace(0.3, -0.2, rows, dtype=np.float32)
    return {
        "weight": weight / scale[None, :],
        "bias": bias - weight @ (location / scale),
        "centre": np.zeros(entries, np.float32),
    }


def frames_read(term):
    """For the body of each `map` the stream that its variable stands for."""
    return {
        path_name((*path, 0, 0)): node.args[1]
        for path, node in walk(term)
        if isinstance(node, Apply) and node.name == "map"
    }


@pytest.mark.slow
@hypothesis_settings(max_examples=25, deadline=None)
@generated(tagging=st.booleans(), picked=st.lists(st.integers(0, 10), min_size=12, max_size=12))
def test_a_superposition_with_all_weight_on_one_alternative_each_has_its_value(tagging, picked):
    grammar, slots = grammar_of(tagging)
    type_ = grammar.output_type
    relaxed = grammar.relax(grammar.root)
    language = grammar.language
    numbers = iter(picked)
    choices = {}

    def superposed(path, node, shapes):
        if "logits" in shapes:
            logits = np.zeros(shapes["logits"], np.float32)
            logits[next(numbers) % len(logits)] = 1e4
            choices[path] = (logits > 0).astype(float).tolist()
            return {"logits": logits}
        # A mixture is brought to one scale.
        return affine(shapes, np.zeros(2, np.float32), np.ones(2, np.float32))

    expected = value_of(relaxed, language, type_, superposed)
    [plan] = Superposition(grammar).weighed(grammar.root, choices)
    score, program = completions(plan, 1)[0]
    assert score == pytest.approx(0)
    assert not holes(program)
    streams = frames_read(program)

    def discrete(path, node, shapes):
        read = streams.get(path, node.args[0])
        return affine(shapes, *slots.location_and_scale(read))

    found = value_of(program, LANGUAGE, type_, discrete)
    np.testing.assert_allclose(found, expected, rtol=2e-4, atol=2e-4)


def counts(outputs, *more):
    """How many numbers the superposition of all programs has: those that choose, and the others."""
    language = language_of(*[("output", t) for t in outputs], *OTHERS, *more)
    grammar, _ = prepared(language, Real(2))
    term = grammar.relax(grammar.root)
    sizes = {"chooses": 0, "computes": 0}
    for path, node in walk(term):
        if isinstance(node, Apply) and language_has_arrays(grammar, node):
            shapes = parameter_shapes(node, check(term, grammar.language, Real(2)), path, grammar.language)
            kind = "chooses" if grammar.language[node.name].chooses else "computes"
            sizes[kind] += sum(int(np.prod(s)) for s in shapes.values())
    return sizes


def language_has_arrays(grammar, node):
    return bool(grammar.language[node.name].parameters)


def test_alternatives_share_their_children():
    one = counts(OUTPUTS[:1])
    assert one["computes"] == 2 * 2 + 2 + 2  # one affine map
    # `tanh` reads the same affine map; so do as many alternatives as there may be.
    more = [*OUTPUTS[:1], "tanh(affine(?summary))", "step(affine(?summary))", "tanh(tanh(affine(?summary)))"]
    assert counts(more)["computes"] == one["computes"]
    assert counts(more)["chooses"] == one["chooses"] + 4
    # Sums, however many: the second summand is one more.
    both = counts(OUTPUTS[:2])
    assert both["computes"] == 2 * one["computes"]
    again = counts([*OUTPUTS[:2], "tanh(affine(?summary)) + ?output", "affine(?summary) * ?output"])
    assert again["computes"] == both["computes"]
    # Nor do more summaries cost more than a logit wherever one is read.
    wider = counts(OUTPUTS[:2], ("summary", "min(x)"), ("summary", "first(x)"))
    assert wider["computes"] == both["computes"]
    assert wider["chooses"] == both["chooses"] + 2 * 2


def test_a_leaf_said_twice_by_one_alternative_has_two_sets_of_arrays():
    one = counts(OUTPUTS[:1])["computes"]
    assert counts([*OUTPUTS[:1], "affine(?summary) * affine(?summary)"])["computes"] == 2 * one
    assert counts([*OUTPUTS[:1], "affine(mean(x)) * affine(mean(x))"])["computes"] == 3 * one


def test_what_no_affine_map_reads_keeps_its_scale():
    language = language_of(
        ("output", "?summary"), ("output", "affine(?summary)"), ("summary", "mean(x)"), ("summary", "max(x)")
    )
    grammar, _ = prepared(language, Real(2))
    term = grammar.relax(grammar.root)
    even = value_of(
        term,
        grammar.language,
        Real(2),
        lambda _, node, shapes: (
            {"logits": np.float32([1e4, 0])}
            if node.name != "affine"
            else affine(shapes, np.zeros(2, np.float32), np.ones(2, np.float32))
        ),
    )
    # First of both kinds of choices: the mean itself.
    plan = Superposition(grammar).plan(("output", Real(2), False))
    assert plan.templates[0] == Hole("summary", Real(2))
    first = grammar.closure("summary", Real(2))[0]
    np.testing.assert_allclose(even, value_of(first, language, Real(2), None), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("task", ["classification", "regression", "tagging"])
def test_training_gives_the_planted_production_most_weight(problem, task):
    given = problem(task)
    grammar = Grammar(given.language, given.output_type, relaxation="superposition")
    even = (np.arange(40) % 2 == 0).astype(np.float32)
    folds = Folds(np.stack([even, 1 - even]), np.stack([1 - even, even]))
    if task == "regression":
        given = replace(given, targets=(given.targets - given.targets.mean()) / given.targets.std())
    work = Evaluator(replace(given, language=grammar.language), folds, Schedule(steps=200), seed=0)
    grammar.prepare(work.slots)
    wanted = Var("x") if task == "tagging" else Apply("last", (Var("x"),))
    [term] = [t for t in grammar.expand(grammar.root) if len(holes(t)) == 1]
    hole = holes(term)[0][1]
    relaxed = grammar.relax(term)
    [fit] = work.fit([relaxed])
    [logits] = [leaf["logits"] for leaf in fit.parameters.values() if "logits" in leaf]
    assert grammar.closure(hole.role, hole.type)[int(logits.mean(0).argmax())] == wanted


SLOW = [pytest.param(task, marks=pytest.mark.slow) for task in ("classification", "regression")]


@pytest.mark.parametrize("task", [*SLOW, "tagging"])
def test_it_finds_the_planted_program(run, problem, task):
    events = []
    result = run(problem(task), strategy="dpads", candidates=14, steps=120, listeners=[events.append])
    assert "?output" in [e.text for e in events if isinstance(e, CandidateFitted)]
    text = str(result.chosen.program)
    assert ("last(x)" in text) if task != "tagging" else ("map" in text)
    plain = problem(task).language.primitives
    for found in result.front:  # Nothing of a superposition leaves the search.
        assert all(n.name in plain for _, n in walk(found.program.term) if isinstance(n, Apply))


@pytest.mark.slow
def test_tables(run, problem):
    given = problem()
    language = language_of(
        ("output", "affine(?summary)"),
        ("output", "affine(?summary) + ?output"),
        ("output", "affine(?summary) * ?factor"),
        ("factor", "affine(?summary)"),
        is_table=True,
    )
    rows = given.values[:, :1]
    product = rows[:, 0, 0] * rows[:, 0, 1]
    targets = (product > np.median(product)).astype(np.int32)
    table = replace(given, language=language, values=rows, mask=given.mask[:, :1], targets=targets)
    chosen = run(table, strategy="dpads", candidates=8, steps=200).chosen
    assert "*" in str(chosen.program)
    assert chosen.score > 0.8


def test_it_expands_what_has_most_weight_and_in_the_end_everything():
    grammar = Grammar(LANGUAGE, Real(1), relaxation="superposition", size_limit=8)
    search = Differentiable(grammar, penalty=0.001)
    assert search.propose() == [grammar.root]
    leaves = Superposition(grammar)
    [plan] = leaves.weighed(grammar.root, {})
    weights = [0.01] * len(plan.templates)
    weights[3] = 0.9  # The product; a plan's own choice comes last.
    search.observe([Scored(grammar.root, 0.5, {leaves.choosing(grammar.root)[-1]: weights})])
    second = search.propose()
    partial = [t for t in second if holes(t)]
    assert len(partial) == 3
    assert isinstance(partial[0], Apply)
    assert partial[0].name == "mul"
    proposed = {grammar.root, *second}
    while second:
        search.observe([Scored(t, 0.5) for t in second])
        second = search.propose()
        assert not proposed & set(second)
        proposed.update(second)
    complete = {t for t in proposed if not holes(t)}
    waiting, every = [grammar.root], set()
    while waiting:
        for grown in grammar.expand(waiting.pop()):
            if not holes(grown):
                every.add(grown)
            elif grown not in every:
                every.add(grown)
                waiting.append(grown)
    assert complete == {t for t in every if not holes(t)}


def test_completions_come_by_their_weight():
    grammar = Grammar(LANGUAGE, Real(1), relaxation="superposition")
    [plan] = Superposition(grammar).weighed(grammar.root, {})
    found = completions(plan, 5)
    assert len(found) == 5
    assert [w for w, _ in found] == sorted((w for w, _ in found), reverse=True)
    assert filled(grammar.root, [found], 2) == found[:2]


def test_a_language_without_complete_programs_is_refused():
    language = language_of(("output", "affine(mean(x)) + ?output"))
    grammar = Grammar(language, Real(1), relaxation="superposition")
    with pytest.raises(LanguageError, match=r"no program of type Real\[1\]"):
        grammar.relax(grammar.root)


def test_too_much_to_hold_is_refused(monkeypatch):
    monkeypatch.setattr("antiphon.search._superposed_words.MOST_BYTES", 100)
    with pytest.raises(SearchError, match="superposition of the"):
        prepared(LANGUAGE, Real(1))
