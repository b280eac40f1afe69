"""What `auto` picks, and the reason it gives."""

import pytest

from antiphon.language import Real, sequence
from antiphon.search import STRATEGIES, Derivations, Grammar, Settings, choose_strategy, make_strategy

FULL = sequence.bind({"speed": "cm/s", "angle": "rad"}, rate_hz=10)


def choice(language=FULL, size_limit=20, **settings):
    grammar = Grammar(language, Real(2), size_limit=size_limit)
    return choose_strategy(Settings(strategy="auto", **settings), grammar)


def test_a_named_strategy_is_taken():
    grammar = Grammar(FULL, Real(2))
    for name in STRATEGIES:
        if name != "auto":
            assert str(choose_strategy(Settings(strategy=name), grammar)) == name


def test_a_space_that_the_budget_covers_is_enumerated():
    chosen = choice(size_limit=4, candidates=60)
    assert chosen.strategy == "enumeration"
    number = int("".join(filter(str.isdigit, chosen.reason)))
    grammar = Grammar(FULL, Real(2), size_limit=4)
    enumerated, found = make_strategy("enumeration", grammar, penalty=0.0), []
    while terms := enumerated.propose():
        found += terms
    assert len(set(found)) <= number <= 60
    # Derivations are counted without making them: all have numbers that can be drawn.
    assert number >= len({p.number for p in Derivations(grammar).productions if p.least <= 3 and not p.inner})


@pytest.mark.parametrize(("candidates", "strategy"), [(100, "near"), (600, "beam"), (5000, "beam")])
def test_a_large_space_is_searched_by_what_the_budget_allows(candidates, strategy):
    assert choice(candidates=candidates).strategy == strategy


def test_roles_that_nest_are_no_work_for_a_beam():
    language = sequence.bind({"speed": "cm/s", "angle": "rad"})
    language.rules[:] = []
    language.rule("output", "tanh(?operand)")
    for template in ("mean(x)", "last(x)", "?operand * ?operand"):
        language.rule("operand", template)
    chosen = choice(language)
    assert chosen.strategy == "genetic"
    assert "operand" in str(chosen)
