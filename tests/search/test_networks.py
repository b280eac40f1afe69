"""Architecture search is program search: the spaces, and searches in them."""

from __future__ import annotations

import numpy as np
import pytest

from antiphon.fitting import text_of
from antiphon.language import (
    Program,
    Real,
    Seq,
    architecture,
    canonical,
    check,
    holes,
    nas_bench_201,
    parse_term,
    show,
    size,
)
from antiphon.search import Grammar, make_strategy

FEATURES = {"speed": "cm/s", "angle": "rad"}
BOUND, CELLS = architecture.bind(FEATURES), nas_bench_201.bind(FEATURES)
OPERATIONS = ("none", "skip", "conv[width=1]", "conv[width=3]", "pool")


def cell(*operations):
    """A cell of NAS-Bench-201 by the operations on its edges a-b, a-c, b-c, a-d, b-d, c-d."""
    e = [f"{op}({v})" for op, v in zip(operations, "aababc", strict=True)]
    body = f"a -> {e[0]}, a -> b -> {e[1]} + {e[2]}, a -> b -> c -> {e[3]} + {e[4]} + {e[5]}"
    return parse_term(f"linear(mean(cell({body}, embed[width=16](standard(x)))))", CELLS, Real(1))


@pytest.mark.slow
def test_enumeration_gives_every_cell_of_nas_bench_201_once():
    grammar = Grammar(CELLS, Real(1), size_limit=30)
    strategy = make_strategy("enumeration", grammar, penalty=0.0)
    found = []
    while batch := list(strategy.propose()):
        found += batch
    assert len(found) == len(set(found)) == 5**6 == 15_625
    assert {size(t) for t in found} == {27}
    rng = np.random.default_rng(0)
    known = {text_of(t, CELLS) for t in found}
    for picked in rng.choice(OPERATIONS, (20, 6)):
        assert text_of(canonical(cell(*picked.tolist()), CELLS), CELLS) in known


@pytest.mark.parametrize("output", [Real(1), Real(3), Seq(Real(1))])
def test_what_is_proposed_is_well_typed_and_within_the_size(output):
    grammar = Grammar(BOUND, output, size_limit=24)
    begun = grammar.grow(None)
    assert len(begun) == len(set(begun)) > 20
    texts = [text_of(t, BOUND) for t in begun]
    assert any("fold[" in t for t in texts)
    assert any("graph[" in t for t in texts)
    term, rng = grammar.root, np.random.default_rng(0)
    while holes(term):
        grown = grammar.expand(term)
        term = grown[rng.integers(len(grown))]
        assert grammar.least_size(term) <= 24
        check(grammar.relax(term), _with_modules(grammar), output)
    for one in [term, *begun[::5]]:
        check(one, BOUND, output)
        assert not holes(one)
        assert size(one) <= 24


def _with_modules(grammar):
    """The grammar's language with the words that `prepare` makes."""
    for name, result in (("every_stream", "Seq[Real[entries]]"), ("every_summary", "Real[entries]")):
        grammar.language.primitive(
            f"Seq[Real[n]] -> {result}", name=name, config={"entries": (48,)}, searched=False
        )(lambda frames, mask, *, entries: frames)
    return grammar.language


def test_the_least_size_is_no_more_than_that_of_any_completion():
    grammar = Grammar(CELLS, Real(1), size_limit=27)
    term = grammar.root
    while holes(term):
        assert grammar.least_size(term) <= 27
        term = grammar.expand(term)[0]
    assert size(term) == 27


def test_elman_and_gated_cells_are_in_the_space():
    known = set(Grammar(BOUND, Real(1), size_limit=30).grow(None))
    for body in (
        "tanh(mix(v, h))",
        "gate(mix(v, h), h, tanh(mix(v, h)))",
        "gate(mix(v, h), h, tanh(linear(h) * sigmoid(mix(v, h)) + linear(v)))",
    ):
        text = f"linear(last(fold[hidden=8](h -> v -> {body}, standard(x))))"
        assert canonical(parse_term(text, BOUND, Real(1)), BOUND) in known


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["beam", "enumeration"])
def test_a_search_finds_a_network(problem, run, strategy):
    result = run(
        problem(language=BOUND), strategy=strategy, candidates=4, size_limit=30, steps=40, finalists=1
    )
    program = result.chosen.program
    assert Program.parse(str(program)) == program
    assert result.chosen.score > 0.6
    assert "numbers" in show(program, "words")
