"""The models of the benchmark of hybridize, each imperative and by hand for `jax.jit`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import _hybridize_data as data
import jax
import jax.numpy as jnp
from _hybridize_data import BATCH, HIDDEN, LIMIT, RATE


@dataclass
class Model:
    """One training step, imperative and by hand, and the arguments of some steps."""

    step: Callable
    by_hand: Callable
    calls: list[tuple[Any, ...]]


def descend(params: Any, grads: Any) -> Any:
    """Plain gradient descent."""
    return jax.tree.map(lambda p, g: p - RATE * g, params, grads)


def trained(loss: Callable) -> Callable:
    """A training step: the loss, and the parameters after it."""

    def step(params: Any, *given: Any) -> Any:
        value, grads = jax.value_and_grad(loss)(params, *given)
        return value, descend(params, grads)

    return step


def calls(found: Any) -> list[tuple[Any, ...]]:
    """Parameters and data as arguments of a step, as arrays of JAX."""
    params, steps = jax.tree.map(jnp.asarray, found)
    return [(params, *given) for given in steps]


def lenet(seed: int) -> Model:
    """LeCun et al. (1998), with rectifiers and the largest of four pixels."""

    def loss(params: Any, images: Any, labels: Any) -> Any:
        x = images
        for name in ("conv1", "conv2"):
            x = jax.nn.relu(jax.lax.conv(x, params[name], (1, 1), "VALID"))
            x = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")
        x = x.reshape(len(x), -1)
        x = jax.nn.relu(x @ params["dense1"])
        x = jax.nn.relu(x @ params["dense2"])
        scores = jax.nn.log_softmax(x @ params["dense3"])
        return -jnp.mean(jnp.take_along_axis(scores, labels[:, None], axis=1))

    return Model(trained(loss), jax.jit(trained(loss)), calls(data.lenet(seed)))


def lstm_cell(params: Any, x: Any, h: Any, c: Any) -> Any:
    """One step of a long short-term memory, over a batch."""
    i, f, g, o = jnp.split(x @ params["w"].T + h @ params["u"].T + params["b"], 4, axis=1)
    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
    return jax.nn.sigmoid(o) * jnp.tanh(c), c


def lstm(seed: int) -> Model:
    """A loop over frames."""

    def loss(params: Any, frames: Any) -> Any:
        h = c = jnp.zeros((BATCH, HIDDEN))
        for x in frames:
            h, c = lstm_cell(params, x, h, c)
        return jnp.mean(h * h)

    def loss_by_hand(params: Any, frames: Any) -> Any:
        zero = jnp.zeros((BATCH, HIDDEN))
        h, _ = jax.lax.scan(lambda s, x: (lstm_cell(params, x, *s), None), (zero, zero), frames)[0]
        return jnp.mean(h * h)

    return Model(trained(loss), jax.jit(trained(loss_by_hand)), calls(data.lstm(seed)))


def dynamic_rnn(seed: int) -> Model:
    """A recurrent network that looks at a frame and may skip it."""

    def loss(params: Any, frames: Any) -> Any:
        h = jnp.zeros(HIDDEN)
        for x in frames:
            if jnp.sum(x) > 0:
                h = jnp.tanh(params["w"] @ x + params["u"] @ h)
        return jnp.mean(h * h)

    def loss_by_hand(params: Any, frames: Any) -> Any:
        def one(h: Any, x: Any) -> Any:
            new = jax.lax.cond(
                jnp.sum(x) > 0, lambda h: jnp.tanh(params["w"] @ x + params["u"] @ h), lambda h: h, h
            )
            return new, None

        h = jax.lax.scan(one, jnp.zeros(HIDDEN), frames)[0]
        return jnp.mean(h * h)

    return Model(trained(loss), jax.jit(trained(loss_by_hand)), calls(data.dynamic_rnn(seed)))


def fallen(state: Any) -> Any:
    """Whether a cart has left the track, or its pole has fallen."""
    return (jnp.abs(state[0]) > 2.4) | (jnp.abs(state[2]) > 0.2094)


def pushed(state: Any, right: Any) -> Any:
    """A cart with a pole 0.02 s later (Barto, Sutton and Anderson, 1983)."""
    x, v, angle, turn = state
    force = jnp.where(right, 10.0, -10.0)
    sine, cosine = jnp.sin(angle), jnp.cos(angle)
    push = (force + 0.05 * turn**2 * sine) / 1.1
    bend = (9.8 * sine - cosine * push) / (0.5 * (4 / 3 - 0.1 * cosine**2 / 1.1))
    pull = push - 0.05 * bend * cosine / 1.1
    return jnp.stack([x + 0.02 * v, v + 0.02 * pull, angle + 0.02 * turn, turn + 0.02 * bend])


def scores(params: Any, state: Any) -> Any:
    """Logarithms of the probabilities of a push to the left and to the right."""
    return jax.nn.log_softmax(jnp.tanh(state @ params["w"] + params["b"]) @ params["v"])


def policy(seed: int) -> Model:
    """REINFORCE (Williams, 1992): an episode ends when the pole has fallen."""

    def loss(params: Any, noise: Any) -> Any:
        state, total, steps = jnp.zeros(4), jnp.zeros(()), 0
        for t in range(LIMIT):
            score = scores(params, state)
            right = noise[t] < jnp.exp(score[1])
            total = total + jnp.where(right, score[1], score[0])
            state = pushed(state, right)
            steps = steps + 1
            if fallen(state):
                break
        return -total * steps / LIMIT

    def loss_by_hand(params: Any, noise: Any) -> Any:
        def one(carry: Any, u: Any) -> Any:
            state, total, steps, on = carry
            score = scores(params, state)
            right = u < jnp.exp(score[1])
            total = jnp.where(on, total + jnp.where(right, score[1], score[0]), total)
            state = jnp.where(on, pushed(state, right), state)
            return (state, total, steps + on, on & ~fallen(state)), None

        start = jnp.zeros(4), jnp.zeros(()), jnp.zeros((), jnp.int32), jnp.asarray(True)
        _, total, steps, _ = jax.lax.scan(one, start, noise)[0]
        return -total * steps / LIMIT

    return Model(trained(loss), jax.jit(trained(loss_by_hand)), calls(data.policy(seed)))


def generated(params: Any, noise: Any) -> Any:
    """Pictures out of noise."""
    return jnp.tanh(jax.nn.relu(noise @ params["w"]) @ params["v"] + params["b"])


def judged(params: Any, pictures: Any) -> Any:
    """Scores, high for real pictures."""
    return jax.nn.leaky_relu(pictures @ params["w"]) @ params["v"] + params["b"]


def critic_loss(params: Any, real: Any, fake: Any) -> Any:
    """Goodfellow et al. (2014)."""
    return jnp.mean(jax.nn.softplus(-judged(params, real)) + jax.nn.softplus(judged(params, fake)))


def generator_loss(params: Any, critic: Any, noise: Any) -> Any:
    """The form that does not saturate."""
    return jnp.mean(jax.nn.softplus(-judged(critic, generated(params, noise))))


def gan(seed: int) -> Model:
    """One step of both players; the critic rests while it is far ahead."""

    def step(params: Any, real: Any, noise: Any) -> Any:
        generator, critic = params["generator"], params["critic"]
        lost, grads = jax.value_and_grad(critic_loss)(critic, real, generated(generator, noise))
        if lost > 0.5:
            critic = descend(critic, grads)
        won, grads = jax.value_and_grad(generator_loss)(generator, critic, noise)
        return lost + won, {"generator": descend(generator, grads), "critic": critic}

    def by_hand(params: Any, real: Any, noise: Any) -> Any:
        generator, critic = params["generator"], params["critic"]
        lost, grads = jax.value_and_grad(critic_loss)(critic, real, generated(generator, noise))
        critic = jax.lax.cond(lost > 0.5, lambda: descend(critic, grads), lambda: critic)
        won, grads = jax.value_and_grad(generator_loss)(generator, critic, noise)
        return lost + won, {"generator": descend(generator, grads), "critic": critic}

    return Model(step, jax.jit(by_hand), calls(data.gan(seed)))


MODELS = {
    "lenet": lenet,
    "lstm": lstm,
    "dynamic_rnn": dynamic_rnn,
    "policy_gradient": policy,
    "gan": gan,
}
