"""The delayed network against exact solutions, and where it starts to oscillate."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.special import lambertw

from antiphon.errors import InputError
from antiphon.networks.energy import ContinuousHopfield, DelayedHopfield, critical_delay

WEIGHTS = np.array([[0.2, -0.7], [-0.7, 0.1]])
BIAS = np.array([0.1, -0.2])
START = np.array([0.8, -0.3])


@pytest.fixture(autouse=True)
def _double():
    with jax.enable_x64(True):
        yield


def exact(delay, delays):
    """States at multiples of the delay, by the method of steps with SciPy's solver."""
    past, found = (lambda t: START), [START]
    for k in range(delays):

        def rate(t, x, past=past):
            return -x + WEIGHTS @ np.tanh(past(t - delay)) + BIAS

        solution = solve_ivp(
            rate, (k * delay, (k + 1) * delay), found[-1], "DOP853", rtol=1e-12, atol=1e-13, dense_output=True
        )
        past = solution.sol
        found.append(solution.y[:, -1])
    return np.array(found)


def test_the_solver_is_exact_up_to_the_fourth_power_of_its_step():
    wanted, errors = exact(1.5, 4), []
    for steps in (8, 16):
        network = DelayedHopfield(WEIGHTS, 1.5, BIAS, steps=steps)
        states, rates = jax.jit(lambda n: n.trajectory(jnp.asarray(START), 4))(network)
        assert states.shape == rates.shape == (4 * steps + 1, 2)
        errors.append(np.abs(np.asarray(states)[::steps] - wanted).max())
    assert errors[1] < 1e-6
    assert 10 < errors[0] / errors[1] < 25  # 16, for fourth order
    late = np.asarray(states)
    drive = np.tanh(late[2 * steps]) @ WEIGHTS + BIAS
    np.testing.assert_allclose(rates[3 * steps], -late[3 * steps] + drive, atol=1e-12)


@jax.jit
def energies(network):
    states, rates = network.trajectory(jnp.asarray(START), 12)
    starts = jnp.arange(states.shape[0] - network.steps)

    def at(start):
        window = [jax.lax.dynamic_slice_in_dim(a, start, network.steps + 1) for a in (states, rates)]
        return network.energy(*window)

    return jax.lax.map(at, starts), states


def test_energy_never_rises_where_the_delay_is_short():
    norm = np.abs(np.linalg.eigvalsh(WEIGHTS)).max()
    for share in (0.2, 1.0):
        found, _ = energies(DelayedHopfield(WEIGHTS, share / norm, BIAS))
        assert np.diff(found).max() <= 1e-9
        assert found[-1] < found[0] - 1e-3


def test_at_rest_the_energy_is_that_of_the_network_without_a_delay():
    network, plain = DelayedHopfield(WEIGHTS, 0.5, BIAS), ContinuousHopfield(WEIGHTS, BIAS)
    still = np.broadcast_to(START[None, :], (65, 2))
    both = jax.jit(lambda states: (network.energy(states, 0 * states), plain.energy(states[-1])))
    np.testing.assert_allclose(*both(still), atol=1e-12)


@jax.jit
def sizes(delay):
    """Largest |x| in each of 8 parts of 80 delays."""
    states, _ = DelayedHopfield([[-1.5]], delay).trajectory(jnp.array([0.01]), 80)
    return jnp.abs(states[1:, 0]).reshape(8, -1).max(1)


def test_a_neuron_oscillates_beyond_its_critical_delay():
    critical = critical_delay(-1.5)
    assert critical == pytest.approx(2.058, abs=5e-4)
    # The characteristic equation has a root on the imaginary axis there.
    omega = np.sqrt(1.5**2 - 1)
    assert abs(1j * omega + 1 + 1.5 * np.exp(-1j * omega * critical)) < 1e-12
    below, above = np.asarray(sizes(0.8 * critical)), np.asarray(sizes(1.2 * critical))
    assert (np.diff(below) < 0).all()
    assert below[-1] < 1e-2 * below[0]
    assert above[-1] > 0.3
    assert (np.diff(above) > 0).all()
    # As fast as the rightmost root of s + 1 = -1.5 exp(-s delay) says.
    delay = 0.8 * critical
    root = -1 + lambertw(-1.5 * delay * np.exp(delay)) / delay
    assert np.log(below[-1] / below[1]) / (6 * 10 * delay) == pytest.approx(root.real, abs=5e-3)
    # Just below it decays, just above it grows.
    near = {share: np.asarray(sizes(share * critical)) for share in (0.97, 1.03)}
    assert near[0.97][-1] < near[0.97][1]
    assert near[1.03][-1] > near[1.03][1]


BAD = {
    "delay": (lambda: DelayedHopfield(WEIGHTS, 0.0), "delay=0"),
    "steps": (lambda: DelayedHopfield(WEIGHTS, 1.0, steps=0), "steps=0"),
    "weights": (lambda: DelayedHopfield([[0, 1], [0, 0]], 1.0), "not symmetric"),
    "state": (lambda: DelayedHopfield(WEIGHTS, 1.0).trajectory(jnp.ones(3), 2), "state of shape"),
    "delays": (lambda: DelayedHopfield(WEIGHTS, 1.0).trajectory(jnp.ones(2), 0), "delays=0"),
    "window": (lambda: DelayedHopfield(WEIGHTS, 1.0).energy(jnp.ones((3, 2)), jnp.ones((3, 2))), "one delay"),
    "gain": (lambda: critical_delay(-1.0), "gain=-1"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused(name):
    make, said = BAD[name]
    with pytest.raises(InputError, match=said):
        make()
