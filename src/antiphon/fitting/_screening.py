"""Training terms whose structure is data, so that one compiled function serves them all.

A skeleton takes about a second to compile and far less to train. Where a round brings many skeletons of few
terms each, their terms are laid out in one form instead (`_tree_form`): an opcode says what each node does,
or that it does nothing. `lax.map` goes over the terms and `lax.switch` takes the branch of each node, so that
what a term lacks costs next to nothing (under `vmap` all branches would run). A step takes two to three times
as long as a compiled one; nothing is compiled anew.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from antiphon.fitting._compiled import compiled
from antiphon.fitting._loop import BatchResult
from antiphon.fitting._losses import case_losses
from antiphon.fitting._training import Schedule, train_loop
from antiphon.fitting._tree_form import Form, Node, Operation
from antiphon.language import Primitive, evaluate

TERMS = (4, 16, 64)  # How many a call takes; a smaller number is filled up.
POOL = (16, 64, 256)  # The same for their slots.


@dataclass(frozen=True)
class Candidate:
    """A term to be trained by the table.

    Attributes:
        tree: Its operations.
        words: Its primitives.
        data: Its constants that are arrays, by path.
        values: Its slots, `(case, n)`; standardised where an affine map reads them.
        start: Initial arrays by path and name, folds first.
        rates: How fast each array moves, by path and name.
        pulls: How strongly it is drawn to zero.
    """

    tree: Node
    words: Mapping[str, Primitive]
    data: Mapping[str, Mapping[str, np.ndarray]]
    values: Sequence[np.ndarray]
    start: Mapping[str, Mapping[str, np.ndarray]]
    rates: Mapping[str, Mapping[str, float]]
    pulls: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Table:
    """Terms as arrays, one row each.

    Attributes:
        opcodes: Which operation each node does, from 1; 0 for none.
        slots: Which row of the pool it reads.
        data: Its constants.
        start: Its parameters, with the folds before the nodes; `rate` and `pull` likewise.
    """

    opcodes: Int[np.ndarray, "term node"]
    slots: Int[np.ndarray, "term node"]
    data: Float[np.ndarray, "term node constant"]
    start: Float[np.ndarray, "term fold node number"]
    rate: Float[np.ndarray, "term fold node number"]
    pull: Float[np.ndarray, "term fold node number"]


def train_table(
    candidates: Sequence[Candidate],
    form: Form,
    task: str,
    schedule: Schedule,
    *,
    train_weights: Float[np.ndarray, "fold case"],
    validation_weights: Float[np.ndarray, "fold case"],
    targets: np.ndarray,
    mask: np.ndarray,
    indices: Int[np.ndarray, "fold steps batch"] | None,
) -> list[BatchResult]:
    """Train candidates of any structure that a form holds, on every fold.

    Args:
        candidates: At most as many as the largest of `TERMS`.
        form: Theirs.
        task: As `Problem.task`.
        schedule: How long and how fast.
        train_weights: Weight of each case in training.
        validation_weights: Weight in validation.
        targets: As `Problem.targets`.
        mask: `(case, time)`.
        indices: What `batch_indices` gives.

    Returns:
        For each candidate a result of one; the seconds are its share.
    """
    placed = [c.tree.places(form) for c in candidates]
    # Sorted, so that equal jobs compile to equal functions whatever came before them.
    operations = tuple(sorted({n.operation for nodes in placed for n in nodes.values()}, key=repr))
    table, pool = _table(candidates, placed, operations, form, len(train_weights))
    words = {name: word for c in candidates for name, word in c.words.items()}
    arguments = jax.device_put(
        (
            table.start, table.rate, table.pull, table.opcodes, table.slots, table.data, pool, train_weights,
            validation_weights, targets, mask, indices,
        ),
    )  # fmt: skip
    runs = tuple(words[name].run for name in sorted(words))
    shapes = str(jax.tree.map(lambda a: (a.shape, a.dtype), arguments))
    begun = time.perf_counter()
    outputs = placed[0][0].operation.result
    function = partial(_train_all, operations, form, outputs, words, task, schedule)
    loop = compiled(("table", operations, form, outputs, runs, task, schedule, shapes), function, arguments)
    compile_seconds = (time.perf_counter() - begun) / len(candidates)
    begun = time.perf_counter()
    vectors, scores, (trained, held) = jax.device_get(loop(*arguments))
    seconds = (time.perf_counter() - begun) / len(candidates)
    results = []
    for i, nodes in enumerate(placed):
        tree = {}
        for place, node in nodes.items():
            layout = node.operation.layout
            if layout.size:
                leaf = layout.restore(vectors[i : i + 1, :, place, : layout.size])
                tree[node.path] = leaf["root"]
        here = slice(i, i + 1)
        results.append(BatchResult(tree, scores[here], trained[here], held[here], compile_seconds, seconds))
    return results


def _table(
    candidates: Sequence[Candidate],
    placed: Sequence[Mapping[int, Node]],
    operations: tuple[Operation, ...],
    form: Form,
    folds: int,
) -> tuple[Table, Float[np.ndarray, "row case entry"]]:
    """Candidates as arrays, and the values of their slots, equal ones once."""
    rows = next(n for n in TERMS if n >= len(candidates))
    width = max(1, *(op.layout.size for op in operations))
    span = max(1, *(op.data.size for op in operations))
    table = Table(
        np.zeros((rows, form.nodes), np.int32),
        np.zeros((rows, form.nodes), np.int32),
        np.zeros((rows, form.nodes, span), np.float32),
        *(np.zeros((rows, folds, form.nodes, width), np.float32) for _ in range(3)),
    )
    entries = max(v.shape[1] for c in candidates for v in c.values)
    entries = 1 << (entries - 1).bit_length()
    known: dict[bytes, int] = {}
    stacked: list[np.ndarray] = []
    for i, (one, nodes) in enumerate(zip(candidates, placed, strict=True)):
        for place, node in nodes.items():
            op, path = node.operation, node.path
            table.opcodes[i, place] = operations.index(op) + 1
            if node.slot is not None:
                value = one.values[node.slot]
                key = value.tobytes()
                if key not in known:
                    known[key] = len(stacked)
                    stacked.append(np.pad(value, ((0, 0), (0, entries - value.shape[1]))))
                table.slots[i, place] = known[key]
            if op.data.size:
                table.data[i, place, : op.data.size] = op.data.flatten({"root": one.data[path]})
            if op.layout.size:
                numbers = slice(0, op.layout.size)
                table.start[i, :, place, numbers] = op.layout.flatten({"root": one.start[path]})
                for target, values in ((table.rate, one.rates), (table.pull, one.pulls)):
                    each = {n: np.full(s, values[path][n], np.float32) for _, n, s in op.layout.entries}
                    target[i, :, place, numbers] = op.layout.flatten({"root": each})
    height = next((n for n in POOL if n >= len(stacked)), len(stacked))
    pool = np.zeros((height, *stacked[0].shape), np.float32)
    pool[: len(stacked)] = stacked
    return table, pool


def _train_all(
    operations: tuple[Operation, ...],
    form: Form,
    outputs: int,
    words: Mapping[str, Primitive],
    task: str,
    schedule: Schedule,
    start: Array,
    rate: Array,
    pull: Array,
    opcodes: Array,
    slots: Array,
    data: Array,
    pool: Array,
    train_weights: Array,
    validation_weights: Array,
    targets: Array,
    mask: Array,
    indices: Array | None,
) -> Any:
    """The function that is compiled: term after term, all folds side by side."""
    widest = max(op.result for op in operations)
    shape = start.shape[2:]

    def nothing(operands: Any) -> Array:
        rows = operands[3]
        return jnp.zeros((pool.shape[1] if rows is None else rows.shape[0], widest), jnp.float32)

    def does(op: Operation, operands: Any) -> Array:
        parameters, data, value, rows, children, temperature = operands
        arrays = op.layout.restore(parameters)
        if getattr(op.term, "name", "") == "affine":
            arrays["root"]["centre"] = jnp.zeros(op.sizes[0], jnp.float32)
        given = (value if rows is None else value[rows],) if op.reads_slot else children
        inputs = [g[:, :size] for g, size in zip(given, op.sizes, strict=False)]

        def one(*row: Array) -> Array:
            named = {f"a{i}": v for i, v in enumerate(row)}
            return evaluate(op.term, words, named, arrays, op.data.restore(data), temperature)

        return jnp.pad(jax.vmap(one)(*inputs), ((0, 0), (0, widest - op.result)))

    def term(given: Any) -> Any:
        start, rate, pull, opcode, slot, data = given
        values = pool[slot]

        def scores_of(vector: Array, rows: Array | None, temperature: Array) -> Array:
            parameters = vector.reshape(shape)

            def at(place: int) -> Array:
                first = form.children * place + 1
                children = tuple(at(first + i) for i in range(form.children) if first < form.nodes)
                # At the lowest level only what reads a slot can stand.
                branches = [partial(does, op) if children or op.reads_slot else nothing for op in operations]
                operands = (parameters[place], data[place], values[place], rows, children, temperature)
                return jax.lax.switch(opcode[place], [nothing, *branches], operands)

            return at(0)[:, :outputs]

        def losses_of(scores: Array, rows: Array | None) -> Array:
            if rows is None:
                return case_losses(scores, targets, mask, task)
            return case_losses(scores, targets[rows], mask[rows], task)

        fold = partial(train_loop, scores_of, losses_of, schedule)
        flat = (len(train_weights), -1)
        vector, scores, curves = jax.vmap(fold)(
            start.reshape(flat), rate.reshape(flat), pull.reshape(flat), train_weights, validation_weights,
            indices,
        )  # fmt: skip
        return vector.reshape(start.shape), scores, curves

    return jax.lax.map(term, (start, rate, pull, opcodes, slots, data))
