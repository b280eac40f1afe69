import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from antiphon.errors import InputError
from antiphon.fitting import with_modules
from antiphon.graph import trace
from antiphon.language import sequence
from antiphon.networks import catalogue

ENTRIES = catalogue()


def named(entries):
    return [pytest.param(entry, id=entry.name.replace(" ", "-")) for entry in entries]


def test_names_are_unique_and_kinds_stand_together():
    assert len({entry.name for entry in ENTRIES}) == len(ENTRIES)
    kinds = [entry.kind for entry in ENTRIES]
    assert sum(a != b for a, b in itertools.pairwise(kinds)) == len(set(kinds)) - 1


def test_the_whole_family_is_there():
    kinds = {entry.kind for entry in ENTRIES}
    assert kinds == {
        "feed-forward", "convolution", "recurrent", "attention", "recursive", "generative", "probabilistic",
        "energy", "spiking", "reservoir",
    }  # fmt: skip


def test_an_unknown_kind_is_named():
    with pytest.raises(InputError, match="quantum"):
        catalogue("quantum")


@pytest.mark.parametrize("entry", named(ENTRIES))
def test_what_an_entry_says_is_so(entry):
    assert entry.reference
    assert entry.input
    assert entry.output
    assert len(entry.example.strip().splitlines()) <= 8
    assert bool(entry.hole) != bool(entry.no_hole), "either a word for a hole, or a reason why there is none"
    if entry.hole:
        assert str(with_modules(sequence)[entry.hole].signature).startswith(("Seq", "Real"))


@pytest.mark.slow
@pytest.mark.parametrize("entry", named(ENTRIES))
def test_every_network_is_a_graph(entry):
    function, arguments = entry.run()
    graph = trace(function, *arguments)
    assert graph.equations
    shapes = [value.shape for value in graph.outputs]
    expected = jax.tree.leaves(jax.eval_shape(function, *arguments))
    assert shapes == [value.shape for value in expected]


@pytest.mark.slow
@pytest.mark.parametrize("entry", named(entry for entry in ENTRIES if entry.masked))
def test_what_padding_holds_changes_nothing(entry):
    function, (frames, mask) = entry.run()
    real = max(1, len(mask) // 2)
    mask = jnp.arange(len(mask)) < real
    run = jax.jit(lambda frames, mask: function(frames, mask))  # a module itself has no hash
    one, other = (run(frames.at[real:].set(fill), mask) for fill in (0.0, jnp.nan))
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        np.testing.assert_array_equal(a, b)
        assert np.isfinite(a).all()


@pytest.mark.slow
@pytest.mark.parametrize("entry", named(ENTRIES))
def test_every_example_runs_as_it_stands(entry):
    scope = {}
    exec(entry.example, scope)
    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(scope["result"])]
    assert leaves
    assert all(np.isfinite(leaf).all() for leaf in leaves if leaf.dtype.kind == "f")
