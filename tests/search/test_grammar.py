"""The space of programs: well typed, within its size, each program once."""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.language import (
    Apply,
    Real,
    Seq,
    Var,
    check,
    data_arrays,
    evaluate,
    holes,
    parameter_shapes,
    parameters,
    parse_term,
    path_name,
    print_term,
    sequence,
    size,
    sketch,
    walk,
    with_parameters,
)
from antiphon.search import Grammar, canonical

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


@st.composite
def sums(draw, depth=3):
    """Sums and products of a few affine maps."""
    if depth and draw(st.booleans()):
        name = draw(st.sampled_from(["add", "add", "mul"]))
        return Apply(name, (draw(sums(depth=depth - 1)), draw(sums(depth=depth - 1))))
    reduction, group = draw(st.sampled_from(["mean", "last"])), draw(st.sampled_from(["all", "speed"]))
    return Apply("affine", (Apply(reduction, (Var("x"),)),), (("group", group),))


def value_of(term, frames):
    """The value of a sketch; arrays depend on a leaf's text, so equal leaves are equal functions."""
    typing = check(term, FULL, Real(1))
    arrays = {}
    seen = {}
    for path, node in walk(term):
        if isinstance(node, Apply) and node.name == "affine":
            shapes = parameter_shapes(node, typing, path, FULL)
            rng = np.random.default_rng(abs(hash(text(node))) % 2**32)
            leaf = {n: rng.normal(size=s).astype(np.float32) for n, s in sorted(shapes.items())}
            seen[text(node)] = seen.get(text(node), 0) + 1
            arrays[path_name(path)] = leaf
    filled = with_parameters(sketch(term), arrays)
    mask = jnp.ones(len(frames), bool)
    data = data_arrays(filled, FULL, typing)
    value = evaluate(filled, FULL, {"x": (jnp.asarray(frames), mask)}, parameters(filled), data)
    return float(value[0]), max(seen.values())


@given(sums(), st.integers(0, 5))
@settings(max_examples=40, deadline=None)
def test_the_canonical_form_is_the_same_function(term, seed):
    found = canonical(term, FULL)
    assert canonical(found, FULL) == found
    assert size(found) <= size(term)
    frames = np.random.default_rng(seed).normal(size=(3, 2)).astype(np.float32)
    (one, repeated), (two, _) = (value_of(t, frames) for t in (term, found))
    if size(found) == size(term) or repeated == 1:
        assert one == pytest.approx(two, rel=1e-3, abs=1e-3)


def test_the_order_of_summands_does_not_count():
    one, two = (
        parse_term(t, FULL, Real(1))
        for t in (
            "affine(mean(x)) + (affine(last(x)) + affine(max(x)))",
            "affine(max(x)) + affine(mean(x)) + affine(last(x)) + affine(mean(x))",
        )
    )
    assert canonical(one, FULL) == canonical(two, FULL)
    assert size(canonical(two, FULL)) == size(one)
    product = parse_term("affine(mean(x)) * affine(mean(x))", FULL, Real(1))
    assert canonical(product, FULL) == product
    less = parse_term("affine(mean(x)) * affine(last(x))", FULL, Real(1))
    assert canonical(less, FULL) == canonical(
        parse_term("affine(last(x)) * affine(mean(x))", FULL, Real(1)), FULL
    )
