"""Hopfield and Tank's network: its energy written out, and tours that are judged strictly."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from antiphon.errors import InputError
from antiphon.networks.energy import HopfieldTank

CITIES = 5


def distances(seed, cities=CITIES):
    places = np.random.default_rng(seed).random((cities, 2))
    return np.linalg.norm(places[:, None] - places[None, :], axis=2)


def penalties(v, d, formulation):
    """The energies of the papers without the leak, as sums over cities and places."""
    n = len(d)
    neighbours = np.roll(v, 1, axis=1) + np.roll(v, -1, axis=1)
    length = sum(d[x, y] * v[x] @ neighbours[y] for x in range(n) for y in range(n))
    if formulation == "brandt":
        rows, columns = ((v.sum(axis) - 1) ** 2 for axis in (1, 0))
        return 2 / 2 * rows.sum() + 2 / 2 * columns.sum() + 4 / 2 * (v * (1 - v)).sum() + 1 / 2 * length
    rows = sum(v[x, i] * v[x, j] for x in range(n) for i in range(n) for j in range(n) if i != j)
    columns = sum(v[x, i] * v[y, i] for i in range(n) for x in range(n) for y in range(n) if x != y)
    count = (v.sum() - (n + 5)) ** 2
    return 500 / 2 * rows + 500 / 2 * columns + 200 / 2 * count + 500 / 2 * length


energy = jax.jit(lambda salesman, state: salesman.energy(state))


@pytest.mark.parametrize("formulation", ["hopfield-tank", "brandt"])
def test_energy_is_the_length_and_the_penalties(formulation):
    with jax.enable_x64(True):
        d = distances(0)
        salesman = HopfieldTank(d, formulation)
        states = [jnp.asarray(np.random.default_rng(s).normal(size=(CITIES, CITIES)) / 80) for s in (1, 2)]
        outputs = [np.asarray(salesman.network.outputs(u)) for u in states]
        leak = [
            (v * np.log(v) + (1 - v) * np.log(1 - v)).sum() / float(salesman.network.gain) for v in outputs
        ]
        wanted = [penalties(v, d, formulation) + part for v, part in zip(outputs, leak, strict=True)]
        got = [float(energy(salesman, u)) for u in states]
        # Constants of the penalties are no part of the network's energy.
        assert got[1] - got[0] == pytest.approx(wanted[1] - wanted[0], rel=1e-9)


judge = jax.jit(lambda salesman, plan: (*salesman.tour(plan), salesman.length(salesman.tour(plan)[0])))


def test_tours_visit_every_city_once():
    d = distances(3)
    salesman = HopfieldTank(d, "brandt")
    order = np.array([1, 0, 2, 4, 3])
    got, valid, length = judge(salesman, np.eye(CITIES, dtype=np.float32)[:, order])
    np.testing.assert_array_equal(got, order)
    assert bool(valid)
    around = sum(d[order[i], order[(i + 1) % CITIES]] for i in range(CITIES))
    assert float(length) == pytest.approx(around, rel=1e-6)


def test_plans_that_are_no_tours_are_not_valid():
    salesman = HopfieldTank(distances(0), "brandt")
    good = np.eye(CITIES, dtype=np.float32)[:, [1, 0, 2, 4, 3]]
    twice, none = good.copy(), good.copy()
    twice[0, 0], none[1, 0] = 0.9, 0.1
    for bad in (twice, none, good[:, [0, 0, 2, 3, 4]]):
        assert not bool(judge(salesman, bad)[1])


def test_starts_come_from_the_key():
    salesman = HopfieldTank(distances(0))
    one, again, other = (salesman.start(key=jax.random.key(k)) for k in (0, 0, 1))
    assert (one == again).all()
    assert (one != other).any()
    assert float(salesman.network.outputs(one).sum()) == pytest.approx(CITIES, rel=0.05)


@pytest.mark.parametrize(
    ("given", "formulation", "said"),
    [
        (np.array([[0.0, 1.0], [1.0, 0.0]]), "brandt", "2 cities"),
        (np.arange(9.0).reshape(3, 3), "brandt", "not symmetric"),
        (np.ones((3, 3)), "greedy", "formulation='greedy'"),
    ],
)
def test_bad_input_is_refused(given, formulation, said):
    with pytest.raises(InputError, match=said):
        HopfieldTank(given, formulation)
