"""Derivations: what is made, exchanged and read back stays in the grammar."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.language import Hole, Real, Seq, canonical, check, holes, parse_term, print_term, sequence, size
from antiphon.search import (
    Bigram,
    Derivations,
    Grammar,
    Proposal,
    RecurrentProposal,
    Scored,
    crossover,
    mutate_point,
    mutate_subterm,
)

LIMIT = 11


def nested_language():
    """Rules whose holes are open at several places, of a role that is none of `sequence`'s."""
    language = sequence.bind({"speed": "cm/s", "angle": "rad"})
    language.rules[:] = []
    language.rule("output", "tanh(?operand)")
    language.rule("output", "?operand + ?operand")
    for template in ("mean(x)", "last(x)", "?operand * ?operand", "?operand + ?operand", "tanh(?operand)"):
        language.rule("operand", template)
    return language


FULL = sequence.bind({"speed": "cm/s", "angle": "rad"}, groups={"turning": ("angle",)}, rate_hz=10)
TABLE = sequence.bind({"speed": "cm/s", "angle": "rad"}, is_table=True)
SPACES = {
    name: Derivations(Grammar(language, type_, size_limit=LIMIT))
    for name, language, type_ in [
        ("one output", FULL, Real(1)),
        ("three outputs", FULL, Real(3)),
        ("tagging", FULL, Seq(Real(1))),
        ("table", TABLE, Real(1)),
        ("nested", nested_language(), Real(2)),
    ]
}
every_space = pytest.mark.parametrize("name", SPACES)
seeds = st.integers(0, 10_000)


def is_sound(space, derivation):
    """Whether a derivation gives a whole, well-typed term within the size limit."""
    grammar, term = space.grammar, space.term(derivation)
    check(term, grammar.plain, grammar.output_type)
    assert not holes(term)
    assert canonical(term, grammar.plain) == term
    return size(space.plain_term(derivation)) <= LIMIT


def draw(space, seed):
    return space.complete((), np.random.default_rng(seed))


@every_space
@given(seed=seeds, cut=st.integers(0, 6))
@settings(max_examples=25, deadline=None)
def test_partial_programs_are_completed_within_the_size(name, seed, cut):
    space = SPACES[name]
    whole = draw(space, seed)
    assert is_sound(space, whole)
    prefix = whole[:cut]
    again = space.complete(prefix, np.random.default_rng(seed + 1))
    assert is_sound(space, again)
    assert again[: len(prefix)] == prefix
    if len(prefix) < len(whole):
        assert whole[cut] in space.options(prefix)
        assert len(holes(space.plain_term(prefix))) == len(space.open(prefix))


@every_space
@given(seed=seeds)
@settings(max_examples=25, deadline=None)
def test_regions_are_sub_terms_that_fill_their_hole(name, seed):
    space = SPACES[name]
    whole = draw(space, seed)
    regions = space.regions(whole)
    assert [r.start for r in regions] == list(range(len(whole)))
    assert regions[0].stop == len(whole)
    for region in regions:
        # What is left without it has one hole more, of its role and type, and any such sub-term fits there.
        before, after = whole[: region.start], whole[region.stop :]
        assert space.open(before)[-1][1] == region.hole
        room = space.room(whole, region)
        filled = space.fill(region.hole, room, np.random.default_rng(seed))
        assert is_sound(space, (*before, *filled, *after))
        assert sum(p.own for p in whole[region.start : region.stop]) <= room


@every_space
@given(one=seeds, other=seeds, seed=seeds)
@settings(max_examples=25, deadline=None)
def test_children_are_well_typed_and_of_their_parents(name, one, other, seed):
    space, rng = SPACES[name], np.random.default_rng(seed)
    mother, father = draw(space, one), draw(space, other)
    child = crossover(space, mother, father, rng)
    if child is not None:
        is_sound(space, child)
        assert set(child) <= {*mother, *father}
    for mutate in (mutate_subterm, mutate_point):
        child = mutate(space, mother, rng)
        if child is not None:
            within = is_sound(space, child)
            assert within or mutate is mutate_point
    if child is not None:
        assert sum(a is not b for a, b in zip(child, mother, strict=True)) == 1


def test_parents_of_one_production_have_no_child():
    grammar = Grammar(SPACES["nested"].grammar.plain, Seq(Real(2)), size_limit=5)
    grammar.plain.rule("output", "map(v -> tanh(v), x)", "Seq[Real[2]]")
    space = Derivations(grammar)
    only = draw(space, 0)
    assert len(only) == 1
    assert crossover(space, only, only, np.random.default_rng(0)) is None
    assert mutate_point(space, only, np.random.default_rng(0)) is None
    del grammar.plain.rules[-1]


@every_space
@given(seed=seeds)
@settings(max_examples=25, deadline=None)
def test_terms_are_read_back(name, seed):
    space = SPACES[name]
    term = space.term(draw(space, seed))
    again = space.derive(term)
    if again is None:  # The canonical form of `mean(x) + mean(x)` is `mean(x + x)`, which no rule says.
        assert name == "nested"
    else:
        assert space.term(again) == term


def test_what_the_rules_do_not_say_is_not_read():
    space = SPACES["one output"]
    for text in ("step(affine(mean(x)))", "affine(mean(delta(delta(x))))", "gru[hidden=2](x)"):
        term = parse_term(text, space.grammar.language, Real(1))
        assert space.derive(term) is None


def test_a_size_that_nothing_fits_is_said():
    space = Derivations(Grammar(FULL, Real(1), size_limit=3))
    assert size(space.term(draw(space, 0))) == 3
    empty = Derivations(Grammar(FULL, Real(1), size_limit=2))
    assert draw(empty, 0) is None
    assert space.fill(space.grammar.root, 2, np.random.default_rng(0)) is None


@every_space
@given(seed=seeds, programs=st.integers(0, 20))
@settings(max_examples=15, deadline=None)
def test_chances_sum_to_one(name, seed, programs):
    space = SPACES[name]
    for temperature in (0.5, 1.0, 3.0):
        model = Bigram(space, temperature=temperature)
        drawn = [draw(space, seed + i) for i in range(programs)]
        model.fit(drawn, np.linspace(1, 0.1, programs))
        asked = draw(space, seed + 100)
        for i, place in enumerate(space.places(asked)):
            options = space.options(asked[:i])
            found = model.chances(place, options, asked[:i])
            assert found.shape == (len(options),)
            assert found.sum() == pytest.approx(1.0)
            assert (found > 0).all()


def test_a_network_learns_what_goes_with_what():
    space = SPACES["one output"]
    texts = ["affine(last(x)) * affine(mean(x))", "affine(max(x)) * affine(min(x))"]
    programs = [space.derive(parse_term(t, space.grammar.plain, Real(1))) for t in texts]
    model = RecurrentProposal(space, steps=150)
    for _ in range(2):  # It goes on from where it was.
        model.fit(programs, np.ones(2))
    for one, other in (programs, programs[::-1]):
        for i, place in enumerate(space.places(one)):
            options = space.options(one[:i])
            chances = model.chances(place, options, one[:i])
            assert chances.sum() == pytest.approx(1.0)
            assert (chances > 0).all()
            # What comes last depends on what came before, which a bigram cannot know.
            if i == len(one) - 1:
                assert chances[options.index(one[i])] > 0.6
                assert chances[options.index(other[i])] < 0.2


def test_a_bigram_learns_what_stands_below_what():
    space = SPACES["one output"]
    texts = ["affine(last(x)) * affine(mean(x))", "affine(last(x)) * affine(max(x))"]
    programs = [space.derive(parse_term(t, space.grammar.plain, Real(1))) for t in texts]
    model = Bigram(space)
    model.fit(programs, np.full(2, 20.0))
    for i, place in enumerate(space.places(programs[0])):
        options = space.options(programs[0][:i])
        chances = model.chances(place, options, programs[0][:i])
        assert chances[options.index(programs[0][i])] > 0.4
    # Where nothing was seen, what was seen elsewhere is preferred.
    summaries = space.by_hole[Hole("summary", FULL.frame_type)]
    names = [print_term(p.filling, FULL, {}) for p in summaries]
    elsewhere = dict(zip(names, model.chances((10_000, 0), summaries, ()), strict=True))
    assert elsewhere["last(x)"] > 5 * elsewhere["first(x)"]


def test_programs_of_an_earlier_search_give_a_start():
    grammar = Grammar(FULL, Real(1), size_limit=LIMIT)
    known = [parse_term("affine(max(delta(x))) + affine(mean(delta(x)))", FULL, Real(1))] * 3
    unknown = [parse_term("tanh(affine(mean(x)))", FULL, Real(1))]

    def share(strategy):
        drawn = strategy.propose()
        strategy.observe([Scored(t, float("inf")) for t in drawn])
        return sum("max(delta(x))" in print_term(t, FULL, {}) for t in drawn) / len(drawn)

    with_start = Proposal(grammar, penalty=0.001, seed=0, programs=[*unknown, *known])
    without = Proposal(grammar, penalty=0.001, seed=0)
    assert len(with_start.start) == 3
    first = with_start.propose()
    assert first == known[:1]
    with_start.observe([Scored(first[0], 0.1)])
    assert share(with_start) > 2 * share(without)
