"""Networks in continuous time against SciPy's solvers and optimisers; energies that never rise."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import ndimage, optimize
from scipy.integrate import solve_ivp

from antiphon.errors import InputError
from antiphon.networks.energy import (
    TEMPLATES,
    CellularNetwork,
    CohenGrossberg,
    ContinuousHopfield,
    HopfieldTank,
    ProjectionNetwork,
    start_of,
)

RISE = 1e-9
UNITS = 6
SEEDS = (0, 1)
TIMES = np.concatenate([np.linspace(0, 8, 41), np.linspace(10, 300, 30)])

IMAGE = np.zeros((14, 14), int)
IMAGE[2:9, 3:11] = 1
IMAGE[4:6, 5:8] = 0  # a hole
IMAGE[7, 3] = 0  # a dent
IMAGE[11, 12] = 1  # a dot
IMAGE[13, 0:3] = 1  # at the border


def symmetric(rng):
    drawn = rng.normal(size=(UNITS, UNITS))
    return (drawn + drawn.T) / 2


def monotone(rng, skew=0.5):
    root, turn = rng.normal(size=(UNITS, UNITS)), rng.normal(size=(UNITS, UNITS))
    return root @ root.T / UNITS + 0.3 * np.eye(UNITS) + skew * (turn - turn.T)


def species(rng):
    """Growth and competition of some species, and where they start."""
    coupling = np.abs(symmetric(rng)) + np.eye(UNITS)
    return coupling, rng.uniform(0.5, 1.5, UNITS), rng.uniform(0.1, 1.0, UNITS)


def templates(rng):
    """A symmetric feedback, a control, an image and states, all random."""
    drawn = rng.normal(size=(3, 3))
    return drawn + drawn[::-1, ::-1], rng.normal(size=(3, 3)), rng.uniform(-1, 1, (14, 14))


def program():
    """`max c.x` with `A x <= b` and `0 <= x <= 1`."""
    return np.array([[1.0, 2.0, 1.0], [2.0, 0.5, 1.0]]), np.array([1.5, 1.2]), np.array([1.0, 1.5, 0.8])


def cities():
    places = np.random.default_rng(3).random((5, 2))
    return np.linalg.norm(places[:, None] - places[None, :], axis=2)


def made():
    """Every network under test and its start."""
    found = {}
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        weights, bias, start = symmetric(rng), rng.normal(size=UNITS), rng.normal(size=UNITS)
        found[f"hopfield {seed}"] = ContinuousHopfield(weights, bias, gain=2.5, time_constant=1.6), start
        design, wanted = rng.normal(size=(9, UNITS)), rng.normal(size=9)
        gram, vector = design.T @ design, -design.T @ wanted
        found[f"box {seed}"] = ProjectionNetwork(gram, vector, lower=-0.2, upper=0.3), np.full(UNITS, 0.1)
        matrix, vector = monotone(rng), rng.normal(size=UNITS)
        found[f"complementarity {seed}"] = (
            ProjectionNetwork.complementarity(matrix, vector),
            np.zeros(UNITS),
        )
        found[f"salesman {seed}"] = (
            (salesman := HopfieldTank(cities(), "brandt")).network,
            salesman.start(key=jax.random.key(seed)).reshape(-1),
        )
    coupling, growth, start = species(np.random.default_rng(1))
    found["species"] = (
        CohenGrossberg(coupling, lambda x: x, lambda x: growth + 0 * x, lambda x: x, domain=(0.0, 3.0)),
        start,
    )
    image = jnp.asarray(2.0 * IMAGE - 1)
    for name in TEMPLATES:
        found[name] = CellularNetwork.of_template(name, image), start_of(name, image)
    rng = np.random.default_rng(0)
    feedback, control, image = templates(rng)
    network = CellularNetwork(feedback, control, 0.3, image, boundary=0.5)
    found["any template"] = network, rng.normal(size=(14, 14))
    a, b, c = program()
    matrix = np.zeros((5, 5))
    matrix[:3, 3:], matrix[3:, :3] = a.T, -a  # skew-symmetric: the plain network would circle
    upper = np.array([1.0, 1.0, 1.0, np.inf, np.inf])
    found["program"] = (
        ProjectionNetwork(matrix, np.concatenate([-c, b]), lower=0.0, upper=upper, corrected=True),
        np.zeros(5),
    )
    return {name: (network, jnp.asarray(start, dtype=float)) for name, (network, start) in found.items()}


@jax.jit
def walk(network, start, solution):
    """States, energies, and how fast the energy falls at the start; compiled once a kind of network."""
    states = network.trajectory(start, jnp.asarray(TIMES), tolerance=1e-10)
    energy = network.energy if solution is None else lambda state: network.energy(state, solution)
    fall = jax.jvp(energy, (states[0],), (network.rate(states[0]),))[1]
    return states, jax.vmap(energy)(states), fall


class Walked(dict):
    """Of each network: itself, its states, its energies, and how fast its energy falls at the start.

    A network runs when first asked for: each kind of them costs a compilation.
    """

    def __init__(self):
        self.made = made()

    def __missing__(self, name):
        network, start = self.made[name]
        solution = None
        with jax.enable_x64(True):
            if name == "program":
                # A corrected network lowers the distance to a solution: the program's, and its prices.
                a, b, c = program()
                best = optimize.linprog(-c, a, b, bounds=(0, 1))
                solution = jnp.asarray(np.concatenate([best.x, -best.ineqlin.marginals]))
            self[name] = (network, *map(np.asarray, walk(network, start, solution)))
        return self[name]


@pytest.fixture(scope="module")
def walked():
    """What all networks did."""
    with jax.enable_x64(True):
        return Walked()


SLOW = pytest.mark.slow
NAMES = [f"{name} {seed}" for seed in SEEDS for name in ("hopfield", "box", "complementarity")]
NAMES += [*TEMPLATES, "any template"]
RARER = [f"salesman {seed}" for seed in SEEDS] + ["species", "program"]


@pytest.mark.parametrize("name", [*NAMES, *(pytest.param(name, marks=SLOW) for name in RARER)])
def test_energy_never_rises(walked, name):
    _, _, energies, fall = walked[name]
    assert energies.dtype == np.float64
    assert np.diff(energies).max() <= RISE
    assert energies[-1] < energies[0] - 1e-3
    assert fall < 0


@pytest.mark.parametrize("seed", SEEDS)
def test_continuous_hopfield_moves_as_scipy_says(walked, seed):
    rng = np.random.default_rng(seed)
    weights, bias, start = symmetric(rng), rng.normal(size=UNITS), rng.normal(size=UNITS)

    def rate(_, u):
        return -u / 1.6 + weights @ np.tanh(2.5 * u) + bias

    _, states, _, fall = walked[f"hopfield {seed}"]
    wanted = solve_ivp(rate, (0, 8), start, "DOP853", TIMES[:41], rtol=1e-10, atol=1e-12).y.T
    np.testing.assert_allclose(states[:41], wanted, atol=1e-6)
    # dE/dt = -sum of g'(u) u'^2, which is Hopfield's proof.
    slope = 2.5 * (1 - np.tanh(2.5 * start) ** 2)
    assert float(fall) == pytest.approx(-(slope * rate(0, start) ** 2).sum(), rel=1e-9)


@SLOW
@pytest.mark.parametrize("seed", SEEDS)
def test_units_from_0_to_1_lower_their_energy_as_fast_as_hopfield_says(walked, seed):
    network, states, _, fall = walked[f"salesman {seed}"]
    gain, u = float(network.gain), states[0]
    v = 1 / (1 + np.exp(-gain * u))
    speed = -u + np.asarray(network.weights) @ v + np.asarray(network.bias)
    assert float(fall) == pytest.approx(-(gain * v * (1 - v) * speed**2).sum(), rel=1e-9)


@SLOW
def test_the_salesman_ends_in_tours(walked):
    for seed in SEEDS:
        outputs = np.asarray(walked[f"salesman {seed}"][1][-1]) > 0
        np.testing.assert_array_equal(outputs.reshape(5, 5).sum(0), 1)
        np.testing.assert_array_equal(outputs.reshape(5, 5).sum(1), 1)


def test_the_hopfield_network_is_a_cohen_grossberg_network():
    rng = np.random.default_rng(0)
    weights, bias, start = symmetric(rng), rng.normal(size=UNITS), rng.normal(size=UNITS)

    with jax.enable_x64(True):
        bias, at = jnp.asarray(bias), jnp.asarray(start)
        one = ContinuousHopfield(weights, bias)
        other = CohenGrossberg(-weights, jnp.ones_like, lambda u: -u + bias, jnp.tanh)
        both = jax.jit(lambda *nets: [(n.rate(at), n.energy(at) - n.energy(0 * at)) for n in nets])
        (rate, energy), (same_rate, same_energy) = both(one, other)
    np.testing.assert_allclose(rate, same_rate, atol=1e-12)
    assert float(energy) == pytest.approx(float(same_energy), abs=1e-12)


@SLOW
def test_competing_species_have_the_energy_of_the_paper(walked):
    coupling, growth, start = species(np.random.default_rng(1))
    _, states, energies, fall = walked["species"]
    # The integral of b d' is growth * x here.
    wanted = [-growth @ x + 0.5 * x @ coupling @ x for x in states]
    np.testing.assert_allclose(energies, wanted, atol=1e-12)
    speed = growth - coupling @ start
    assert float(fall) == pytest.approx(-(start * speed**2).sum(), rel=1e-9)
    np.testing.assert_allclose(states[-1] * (growth - coupling @ states[-1]), 0, atol=1e-6)


def test_cellular_templates_do_what_mathematical_morphology_does(walked):
    full = np.ones((3, 3), bool)
    wanted = {
        "edge-detection": IMAGE & ~ndimage.binary_erosion(IMAGE, full),
        "erosion": ndimage.binary_erosion(IMAGE, full),
        "dilation": ndimage.binary_dilation(IMAGE, full),
        "hole-filling": ndimage.binary_fill_holes(IMAGE),
    }
    assert set(wanted) == set(TEMPLATES)
    for name, black in wanted.items():
        shown = np.clip(walked[name][1][-1], -1, 1)
        np.testing.assert_array_equal(shown, 2.0 * black - 1, err_msg=name)


def test_cellular_energy_falls_as_chua_and_yang_say(walked):
    feedback, control, image = templates(rng := np.random.default_rng(0))
    state = rng.normal(size=(14, 14))
    shown = np.clip(state, -1, 1)
    around = [
        ndimage.correlate(values, template, mode="constant", cval=0.5)
        for values, template in ((shown, feedback), (image, control))
    ]
    rate = -state + around[0] + around[1] + 0.3
    np.testing.assert_array_equal(walked["any template"][1][0], state)
    assert float(walked["any template"][3]) == pytest.approx(-(rate[np.abs(state) < 1] ** 2).sum(), rel=1e-9)


def residual(matrix, vector, x, lower, upper):
    return np.linalg.norm(x - np.clip(x - matrix @ x - vector, lower, upper))


@pytest.mark.parametrize("seed", SEEDS)
def test_projection_networks_solve_bounded_least_squares(walked, seed):
    network, states, energies, _ = walked[f"box {seed}"]
    rng = np.random.default_rng(seed)
    symmetric(rng), rng.normal(size=UNITS), rng.normal(size=UNITS)  # drawn before, in `made`
    design, wanted = rng.normal(size=(9, UNITS)), rng.normal(size=9)
    best = optimize.lsq_linear(design, wanted, (-0.2, 0.3), tol=1e-14, method="bvls").x
    np.testing.assert_allclose(states[-1], best, atol=1e-6)
    assert residual(design.T @ design, -design.T @ wanted, states[-1], -0.2, 0.3) <= 1e-6
    with jax.enable_x64(True):
        assert float(network.residual(jnp.asarray(states[-1]))) <= 1e-6
    assert float(energies[-1]) == pytest.approx(0, abs=1e-10)


@pytest.mark.parametrize("seed", SEEDS)
def test_projection_networks_solve_complementarity(walked, seed):
    network, states, _, _ = walked[f"complementarity {seed}"]
    matrix, vector = np.asarray(network.matrix), np.asarray(network.vector)
    assert np.abs(matrix - matrix.T).max() > 0.1
    x, slack = states[-1], matrix @ states[-1] + vector
    assert residual(matrix, vector, x, 0, np.inf) <= 1e-6
    assert x.min() >= 0
    assert slack.min() >= -1e-6
    assert abs(x @ slack) <= 1e-6


@SLOW
def test_corrected_projection_networks_solve_linear_programs(walked):
    a, b, c = program()
    network, states, _, _ = walked["program"]
    upper = np.asarray(network.upper)
    assert residual(np.asarray(network.matrix), np.asarray(network.vector), states[-1], 0, upper) <= 1e-6
    np.testing.assert_allclose(states[-1][:3], optimize.linprog(-c, a, b, bounds=(0, 1)).x, atol=1e-5)


def test_states_outside_of_the_box_start_at_the_nearest_point_of_it():
    network = ProjectionNetwork(np.eye(UNITS), np.zeros(UNITS), lower=-1.0, upper=2.0)
    far = jnp.asarray(np.linspace(-5, 5, UNITS), dtype=float)
    np.testing.assert_allclose(network.project(far), np.clip(np.linspace(-5, 5, UNITS), -1, 2), atol=1e-6)


Competition = CohenGrossberg
BAD = {
    "gain": (lambda: ContinuousHopfield(np.eye(2), gain=-1), "gain=-1"),
    "weights": (lambda: ContinuousHopfield([[0, 1], [0, 0]]), "not symmetric"),
    "activation": (lambda: ContinuousHopfield(np.eye(2), activation="relu"), "activation='relu'"),
    "state": (lambda: ContinuousHopfield(np.eye(2)).settle(jnp.ones(3)), "state of shape"),
    "times": (lambda: ContinuousHopfield(np.eye(2)).trajectory(jnp.ones(2), jnp.zeros(2)), "rise"),
    "coupling": (lambda: Competition([[0, 1], [0, 0]], jnp.abs, jnp.abs, jnp.abs), "first condition"),
    "negative amplification": (
        lambda: Competition(np.eye(2), jnp.sin, jnp.sin, jnp.tanh),
        "An amplification",
    ),
    "falling signal": (lambda: Competition(np.eye(2), jnp.abs, jnp.sin, lambda x: -x), "A signal that falls"),
    "not entry by entry": (lambda: Competition(np.eye(2), jnp.sum, jnp.sin, jnp.tanh), "amplification gives"),
    "domain": (lambda: Competition(np.eye(2), jnp.abs, jnp.sin, jnp.tanh, domain=(1, 0)), "domain"),
    "even template": (lambda: CellularNetwork(np.ones((2, 2)), np.ones((3, 3)), 0, IMAGE), "odd sizes"),
    "feedback": (lambda: CellularNetwork(np.eye(3)[[0, 2, 1]], np.eye(3), 0, IMAGE), "half a turn"),
    "grey": (lambda: CellularNetwork(np.eye(3), np.eye(3), 0, 2 * IMAGE), "leaves -1 to 1"),
    "template": (lambda: CellularNetwork.of_template("blur", IMAGE), "name='blur'"),
    "not monotone": (lambda: ProjectionNetwork(-np.eye(2), np.ones(2)), "not monotone"),
    "box": (lambda: ProjectionNetwork(np.eye(2), np.ones(2), lower=1, upper=0), "above the upper"),
    "bound": (lambda: ProjectionNetwork(np.eye(2), np.ones(2), lower=np.ones(3)), "lower of shape"),
    "projected state": (lambda: ProjectionNetwork(np.eye(2), np.ones(2)).settle(jnp.ones(3)), "state of"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused(name):
    make, said = BAD[name]
    with pytest.raises(InputError, match=said):
        make()
