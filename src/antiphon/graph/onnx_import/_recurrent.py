"""RNN, GRU and LSTM with all their attributes, each a scan over time.

Frames are `(time, batch, feature)`, weights `(direction, gate * hidden, feature)`; with `layout=1` the batch
comes first. A frame at or after its sequence's length gives 0 and leaves the state as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from antiphon.errors import ImportedModelError
from antiphon.graph.onnx_import._rule import Call, rule

Activation = Callable[[Any], Any]
Step = Callable[[Any, tuple[Any, ...]], tuple[Any, ...]]

# Name to function of x, alpha, beta, and what alpha and beta are where the model does not say.
ACTIVATIONS: dict[str, tuple[Callable[[Any, Any, Any], Any], float, float]] = {
    "relu": (lambda x, a, b: jnp.maximum(x, a * 0), 0, 0),
    "tanh": (lambda x, a, b: jnp.tanh(x), 0, 0),
    "sigmoid": (lambda x, a, b: jax.nn.sigmoid(x), 0, 0),
    "affine": (lambda x, a, b: a * x + b, 1, 0),
    "leakyrelu": (lambda x, a, b: jnp.where(x >= 0, x, a * x), 0.01, 0),
    "thresholdedrelu": (lambda x, a, b: jnp.where(x > a, x, jnp.zeros_like(x)), 1, 0),
    "scaledtanh": (lambda x, a, b: a * jnp.tanh(b * x), 1, 1),
    "hardsigmoid": (lambda x, a, b: jnp.clip(a * x + b, a * 0, a * 0 + 1), 0.2, 0.5),
    "elu": (lambda x, a, b: jnp.where(x > 0, x, a * jnp.expm1(jnp.minimum(x, a * 0))), 1, 0),
    "softsign": (lambda x, a, b: jax.nn.soft_sign(x), 0, 0),
    "softplus": (lambda x, a, b: jnp.logaddexp(x, jnp.zeros_like(x)), 0, 0),
}
TAKES_ALPHA = {"affine", "leakyrelu", "thresholdedrelu", "scaledtanh", "hardsigmoid", "elu"}
TAKES_BETA = {"affine", "scaledtanh", "hardsigmoid"}


def _activations(call: Call, default: Sequence[str], directions: int, dtype: Any) -> list[list[Activation]]:
    """The functions of each direction."""
    names = call.get("activations") or tuple(default) * directions
    if call.node.op == "RNN":
        names = names[:directions]  # the standard's default names two, for whichever direction
    if len(names) != len(default) * directions:
        raise ImportedModelError(f"activations {names}.", f"{len(default)} a direction.")
    alphas, betas = iter(call.get("activation_alpha") or ()), iter(call.get("activation_beta") or ())
    found: list[Activation] = []
    for name in names:
        key = name.lower()
        if key not in ACTIVATIONS:
            raise ImportedModelError(f"an activation {name!r}.", ", ".join(ACTIVATIONS))
        f, alpha, beta = ACTIVATIONS[key]
        a = np.asarray(next(alphas, alpha) if key in TAKES_ALPHA else alpha, dtype)
        b = np.asarray(next(betas, beta) if key in TAKES_BETA else beta, dtype)
        found.append(lambda x, f=f, a=a, b=b: f(x, a, b))
    return [found[d * len(default) : (d + 1) * len(default)] for d in range(directions)]


def _clipper(call: Call, dtype: Any) -> Activation:
    limit = call.get("clip")
    if not limit:
        return lambda x: x
    bound = np.asarray(limit, dtype)
    return lambda x: jnp.clip(x, -bound, bound)


def _row(x: Any) -> Any:
    """A vector as a row, which adds to each case of a batch."""
    return x[None, :]


def _halves(bias: Any) -> Any:
    """The bias of the input's part plus that of the state's."""
    middle = bias.shape[0] // 2
    return bias[:middle] + bias[middle:]


def _recur(
    call: Call, gates: int, default: Sequence[str], inputs: Sequence[Any], states: Sequence[Any], extra: Any,
    make: Callable[..., Step],
) -> Any:  # fmt: skip
    """Run one direction or both; gives all outputs, then the last of each state."""
    x, w, r, b, lengths = inputs
    if x.ndim != 3 or w.ndim != 3 or r.ndim != 3:
        raise ImportedModelError(
            f"shapes {x.shape}, {w.shape}, {r.shape} of frames and weights.", "three axes each."
        )
    layout = call.get("layout", 0)
    x = x.swapaxes(0, 1) if layout else x
    hidden = r.shape[2]
    direction = call["direction"]
    names = {"forward": [False], "reverse": [True], "bidirectional": [False, True]}
    if direction not in names:
        raise ImportedModelError(f"direction {direction!r}.", ", ".join(names))
    backwards = names[direction]
    if w.shape[0] != len(backwards) or r.shape[:2] != (len(backwards), gates * hidden) or w.shape[1:] != (
        gates * hidden, x.shape[2],
    ):  # fmt: skip
        raise ImportedModelError(
            f"weights of shapes {w.shape} and {r.shape} for frames of shape {x.shape}.",
            f"{len(backwards)} directions, {gates} * hidden rows, and {x.shape[2]} or hidden columns.",
        )
    told = call.get("hidden_size")
    if told is not None and told != hidden:
        raise ImportedModelError(f"hidden_size {told} and weights for {hidden}.")
    functions = _activations(call, default, len(backwards), x.dtype)
    batch = x.shape[1]
    states = [s.swapaxes(0, 1) if layout and s is not None else s for s in states]
    here = None
    if lengths is not None:
        here = jnp.arange(x.shape[0], dtype=lengths.dtype)[:, None] < lengths[None, :]
    all_outputs, all_last = [], []
    for d, reverse in enumerate(backwards):
        bias = jnp.zeros(2 * gates * hidden, x.dtype) if b is None else b[d]
        step = make(r[d], bias, None if extra is None else extra[d], functions[d], _clipper(call, x.dtype))
        # All frames through the input's weights at once; only the state's part stays in the scan.
        fed = jnp.einsum("tbi,gi->tbg", x, w[d])
        begin = tuple(
            jnp.zeros((batch, hidden), x.dtype) if s is None else lax.index_in_dim(s, d, keepdims=False)
            for s in states
        )
        last, outputs = _scan(step, fed, here, begin, reverse)
        all_outputs.append(outputs)
        all_last.append(last)
    y = jnp.stack(all_outputs, axis=1)  # (time, direction, batch, hidden)
    ends = [jnp.stack(each) for each in zip(*all_last, strict=True)]
    if layout:
        return (y.transpose(2, 0, 1, 3), *(e.swapaxes(0, 1) for e in ends))
    return (y, *ends)


def _scan(step: Step, fed: Any, here: Any, begin: tuple[Any, ...], reverse: bool) -> tuple[Any, Any]:
    def body(state: tuple[Any, ...], frame: tuple[Any, Any]) -> tuple[tuple[Any, ...], Any]:
        now, inside = frame
        new = step(now, state)
        if inside is None:
            return new, new[0]
        kept = tuple(jnp.where(inside[:, None], n, s) for n, s in zip(new, state, strict=True))
        return kept, jnp.where(inside[:, None], new[0], jnp.zeros_like(new[0]))

    return lax.scan(body, begin, (fed, here), reverse=reverse)


@rule("RNN", 7, 22)
def _rnn(call: Call, x: Any, w: Any, r: Any, b: Any = None, lengths: Any = None, h: Any = None) -> Any:
    def make(r: Any, bias: Any, _: Any, functions: list[Activation], clip: Activation) -> Step:
        (f,) = functions
        both = _row(_halves(bias))

        def step(fed: Any, state: tuple[Any, ...]) -> tuple[Any, ...]:
            return (f(clip(fed + state[0] @ r.T + both)),)

        return step

    return _recur(call, 1, ("Tanh",), (x, w, r, b, lengths), (h,), None, make)


@rule("GRU", 7, 22)
def _gru(call: Call, x: Any, w: Any, r: Any, b: Any = None, lengths: Any = None, h: Any = None) -> Any:
    late = call["linear_before_reset"]

    def make(r: Any, bias: Any, _: Any, functions: list[Activation], clip: Activation) -> Step:
        f, g = functions
        wb, rb = jnp.split(bias, 2)
        rz, rr, rh = jnp.split(r, 3)
        bz, br, bh = jnp.split(rb, 3)

        def step(fed: Any, state: tuple[Any, ...]) -> tuple[Any, ...]:
            (h,) = state
            z, reset, new = jnp.split(fed + _row(wb), 3, axis=-1)
            z = f(clip(z + h @ rz.T + _row(bz)))
            reset = f(clip(reset + h @ rr.T + _row(br)))
            seen = reset * (h @ rh.T + _row(bh)) if late else (reset * h) @ rh.T + _row(bh)
            new = g(clip(new + seen))
            return ((1 - z) * new + z * h,)

        return step

    return _recur(call, 3, ("Sigmoid", "Tanh"), (x, w, r, b, lengths), (h,), None, make)


@rule("LSTM", 7, 22)
def _lstm(
    call: Call, x: Any, w: Any, r: Any, b: Any = None, lengths: Any = None, h: Any = None, c: Any = None,
    p: Any = None,
) -> Any:  # fmt: skip
    coupled = call["input_forget"]

    def make(r: Any, bias: Any, peep: Any, functions: list[Activation], clip: Activation) -> Step:
        f, g, k = functions
        both = _row(_halves(bias))
        pi, po, pf = (None,) * 3 if peep is None else jnp.split(peep, 3)

        def seen(gate: Any, weights: Any, cell: Any) -> Any:
            return gate if weights is None else gate + _row(weights) * cell

        def step(fed: Any, state: tuple[Any, ...]) -> tuple[Any, ...]:
            h, c = state
            i, o, forget, new = jnp.split(fed + h @ r.T + both, 4, axis=-1)
            i = f(clip(seen(i, pi, c)))
            forget = 1 - i if coupled else f(clip(seen(forget, pf, c)))
            c = forget * c + i * g(clip(new))
            o = f(clip(seen(o, po, c)))
            return o * k(c), c

        return step

    return _recur(call, 4, ("Sigmoid", "Tanh", "Tanh"), (x, w, r, b, lengths), (h, c), p, make)
