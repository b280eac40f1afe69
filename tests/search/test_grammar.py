"""The space of programs: well typed, within its size, each program once."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.language import (
    Apply,
    Real,
    Seq,
    canonical,
    check,
    holes,
    parse_term,
    print_term,
    sequence,
    size,
    walk,
)
from antiphon.search import Grammar

FULL = sequence.bind({"speed": "cm/s", "angle": "rad"}, groups={"turning": ("angle",)}, rate_hz=10)
TYPES = [Real(1), Real(3), Seq(Real(1))]


def text(term):
    return " ".join(print_term(term, FULL, {}).split())


@pytest.fixture(scope="module")
def grammars():
    return {t: Grammar(FULL, t, size_limit=12) for t in TYPES}


def test_what_fills_a_summary_has_no_parameters_and_comes_once(grammars):
    found = grammars[Real(1)].closure("summary", FULL.frame_type)
    assert len(found) == len(set(found)) > 30
    for term in found:
        assert size(term) <= 4
        assert not holes(term)
        assert not any(isinstance(n, Apply) and FULL[n.name].parameters for _, n in walk(term))
        assert check(term, FULL, FULL.frame_type)[()] == FULL.frame_type
    assert [size(t) for t in found] == sorted(size(t) for t in found)


@pytest.mark.parametrize("type_", TYPES)
@given(data=st.data())
@settings(max_examples=10, deadline=None)
def test_expansions_are_well_typed_and_within_the_size(grammars, type_, data):
    grammar = grammars[type_]
    term = grammar.root
    for _ in range(5):
        if not holes(term):
            break
        grown = grammar.expand(term)
        assert len(set(grown)) == len(grown)
        for one in grown[:30]:
            assert grammar.least_size(one) <= grammar.size_limit
            assert canonical(one, FULL) == one
        if not grown:
            break
        term = data.draw(st.sampled_from(grown))
        check(term, FULL, type_)
        relaxed = grammar.relax(term)
        assert not holes(relaxed)
    if not holes(term):
        assert size(term) <= grammar.size_limit
        assert parse_term(text(term), FULL, type_) == term


@pytest.mark.parametrize("type_", TYPES)
def test_what_is_grown_or_swapped_is_complete(grammars, type_):
    grammar = grammars[type_]
    begun = grammar.grow(None)
    assert begun
    program = begun[0]
    larger = grammar.grow(program)
    other = grammar.swap(larger[0])
    assert larger
    assert other
    for found, least in ((begun, 3), (larger, size(program) + 1), (other, 3)):
        assert len(set(found)) == len(found)
        for term in found[:: max(1, len(found) // 40)]:
            assert not holes(term)
            assert least <= size(term) <= grammar.size_limit
            check(term, FULL, type_)
    assert larger[0] not in other
