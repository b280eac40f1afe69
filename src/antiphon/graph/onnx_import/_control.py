"""Control flow: `If`, `Loop` and `Scan` over nested graphs.

What is known when tracing is decided then: a condition picks its branch, a loop that must see the number of
its turn (a slice that moves, say) is written out. Everything else becomes `lax.cond`, `lax.scan` or
`lax.while_loop`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from antiphon.errors import ImportedModelError
from antiphon.graph.onnx_import._array import NodeError, array, axis_of, canonical, is_known
from antiphon.graph.onnx_import._rule import Call, rule

MOST_TURNS_WRITTEN_OUT = 4096


class _ConditionalError(Exception):
    """A loop that may end early: its condition is computed in its body."""


class _ChangingError(Exception):
    """A loop whose state changes its shape from turn to turn."""


@rule("If", 1, 25, flexible=True)
def _if(call: Call, condition: Any) -> Any:
    if np.size(condition) != 1:
        raise ImportedModelError(f"a condition of shape {np.shape(condition)}.", "one truth value.")
    if is_known(condition):
        taken = "then_branch" if bool(np.asarray(condition).reshape(())) else "else_branch"
        return tuple(call.run(call[taken], []))
    branches = (call["then_branch"], call["else_branch"])
    then, otherwise = (lambda b=b: tuple(array(v) for v in call.run(b, [])) for b in branches)
    return lax.cond(condition.reshape(()), then, otherwise)


def _kinds(values: Any) -> Any:
    """Tree, shapes and dtypes of loop state."""
    leaves, tree = jax.tree.flatten(values)
    return tree, [(v.shape, v.dtype) for v in leaves]


@rule("Loop", 1, 25, flexible=True)
def _loop(call: Call, trips: Any, condition: Any, *state: Any) -> Any:
    takes, gives = len(call["body"].inputs), len(call["body"].outputs)
    if takes != len(state) + 2 or gives < len(state) + 1:
        raise ImportedModelError(
            f"a body of {takes} inputs and {gives} outputs for a loop with {len(state)} states.",
            "turn, condition and states in; condition, states and what is stacked out.",
        )
    known_trips = trips is not None and is_known(trips)
    limit = np.asarray(trips).reshape(-1)[0] if known_trips else None
    begins = condition is None or (is_known(condition) and bool(np.asarray(condition).reshape(())))
    if known_trips and begins and not (isinstance(limit, int | np.integer) and limit <= 0):
        try:
            return _as_scan(call, limit, state)
        except _ConditionalError:
            pass
        except (_ChangingError, NodeError) as error:
            if isinstance(error, NodeError) and not error.unknown:
                raise
            return _written_out(call, limit, condition, state)
    stacked = gives - 1 - len(state)
    if is_known(state) and is_known(trips) and is_known(condition):
        try:
            return _written_out(call, limit, condition, state)
        except _ConditionalError:
            pass
    if not stacked:
        return _as_while(call, trips, condition, state)
    raise ImportedModelError(
        "a loop that stacks outputs, as many as its turns, which are counted only when it runs.",
        "a number of turns that is known when tracing.",
        "Call the model outside jit, vmap and grad.",
    )


def _as_scan(call: Call, limit: Any, state: Sequence[Any]) -> Any:
    """A loop that always makes all its turns."""
    states = len(state)
    turn_type = canonical(np.int64)

    def turn(carried: tuple[Any, ...], number: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        found = call.run(call["body"], [number, np.asarray(True), *carried])
        if not (is_known(found[0]) and bool(np.asarray(found[0]).reshape(()))):
            raise _ConditionalError
        new = tuple(array(v) for v in found[1 : states + 1])
        if _kinds(new) != _kinds(carried):
            raise _ChangingError
        return new, tuple(array(v) for v in found[states + 1 :])

    if isinstance(limit, np.integer | int) and limit > np.iinfo(turn_type).max:
        # No loop makes so many turns: its condition ends it, which one look at its body tells.
        jax.eval_shape(turn, tuple(array(v) for v in state), np.zeros((), turn_type))
        raise ImportedModelError(f"a loop of {limit} turns.", "fewer.")
    numbers = jnp.arange(limit if not isinstance(limit, np.integer) else int(limit), dtype=turn_type)
    last, stacked = lax.scan(turn, tuple(array(v) for v in state), numbers)
    return (*last, *stacked)


def _written_out(call: Call, limit: Any, condition: Any, state: Sequence[Any]) -> Any:
    """The turns of a loop one after the other, each traced by itself."""
    states = len(state)
    go_on = condition is None or bool(np.asarray(condition).reshape(()))
    carried, stacks = list(state), [[] for _ in call["body"].outputs[states + 1 :]]
    for number in count():
        if not go_on or (limit is not None and number >= limit):
            break
        if number >= MOST_TURNS_WRITTEN_OUT:
            raise ImportedModelError(
                f"a loop of more than {MOST_TURNS_WRITTEN_OUT} turns that has to be written out.",
                "state of one shape, and slices that do not move.",
            )
        turn = [np.asarray(number, np.int64), np.asarray(True), *carried]
        found = call.run(call["body"], turn)
        if not is_known(found[0]):
            raise _ConditionalError
        go_on = bool(np.asarray(found[0]).reshape(()))
        carried = found[1 : states + 1]
        for stack, value in zip(stacks, found[states + 1 :], strict=True):
            stack.append(array(value))
    if stacks and not stacks[0]:
        return (*carried, *_no_turns(call, state))
    return (*carried, *(jnp.stack(s) for s in stacks))


def _no_turns(call: Call, state: Sequence[Any]) -> list[Any]:
    """What a loop stacks that makes no turn: nothing, of the right shape."""
    zero = np.zeros((), canonical(np.int64))

    def once(*carried: Any) -> list[Any]:
        found = call.run(call["body"], [zero, np.asarray(True), *carried])
        return [array(v) for v in found[len(state) + 1 :]]

    return [jnp.zeros((0, *v.shape), v.dtype) for v in jax.eval_shape(once, *(array(v) for v in state))]


def _as_while(call: Call, trips: Any, condition: Any, state: Sequence[Any]) -> Any:
    """A loop that ends when its condition says so."""
    kind = canonical(np.int64)
    states = len(state)
    limit = None
    if trips is not None:
        # A limit beyond what the counter holds is no limit.
        limit = (
            jnp.asarray(np.minimum(np.asarray(trips), np.iinfo(kind).max).astype(kind))
            if isinstance(trips, np.ndarray) and trips.dtype != object
            else array(trips).astype(kind)
        ).reshape(())

    def more(carried: tuple[Any, ...]) -> Any:
        number, go_on, _ = carried
        return go_on if limit is None else go_on & (number < limit)

    def turn(carried: tuple[Any, ...]) -> tuple[Any, ...]:
        number, go_on, values = carried
        found = call.run(call["body"], [number, go_on, *values])
        new = tuple(array(v) for v in found[1 : states + 1])
        return number + np.ones((), kind), array(found[0]).reshape(()), new

    go_on = jnp.asarray(True) if condition is None else array(condition).reshape(())
    begin = (jnp.zeros((), kind), go_on, tuple(array(v) for v in state))
    return lax.while_loop(more, turn, begin)[2]


@rule("Scan", 9, 25, flexible=True)
def _scan(call: Call, *inputs: Any) -> Any:
    body = call["body"]
    scanned = call["num_scan_inputs"]
    states = len(inputs) - scanned
    if not 1 <= scanned <= len(inputs) or len(body.inputs) != len(inputs) or len(body.outputs) < states:
        raise ImportedModelError(f"{scanned} scanned inputs of {len(inputs)}, a body of {len(body.inputs)}.")
    outputs = len(body.outputs) - states
    in_axes = call.get("scan_input_axes") or (0,) * scanned
    in_turned = call.get("scan_input_directions") or (0,) * scanned
    out_axes = call.get("scan_output_axes") or (0,) * outputs
    out_turned = call.get("scan_output_directions") or (0,) * outputs
    begin = tuple(array(v) for v in inputs[:states])
    frames = []
    for x, axis, turned in zip(inputs[states:], in_axes, in_turned, strict=True):
        moved = jnp.moveaxis(array(x), axis_of(axis, np.ndim(x)), 0)
        frames.append(jnp.flip(moved, 0) if turned and not all(in_turned) else moved)
    # All inputs backwards is a scan backwards, whose outputs lie the other way round.
    backwards = all(in_turned)

    def step(carried: tuple[Any, ...], frame: Sequence[Any]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        found = [array(v) for v in call.run(body, [*carried, *frame])]
        return tuple(found[:states]), tuple(found[states:])

    last, stacked = lax.scan(step, begin, tuple(frames), reverse=backwards)
    placed = []
    for y, axis, turned in zip(stacked, out_axes, out_turned, strict=True):
        y = jnp.flip(y, 0) if bool(turned) != backwards else y
        placed.append(jnp.moveaxis(y, 0, axis_of(axis, y.ndim)))
    return (*last, *placed)


@rule("SequenceMap", 17, 17, flexible=True)
def _sequence_map(call: Call, sequence: Any, *others: Any) -> Any:
    rows = [
        call.run(call["body"], [item, *(o[n] if isinstance(o, list) else o for o in others)])
        for n, item in enumerate(sequence)
    ]
    return tuple([row[n] for row in rows] for n in range(len(call["body"].outputs)))
