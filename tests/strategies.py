"""Hypothesis strategies for well-typed terms with random arrays, and for sequences to run them on."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from antiphon.language import Apply, Lam, Parameters, Var, sequence

FEATURES = {"speed": "cm/s", "nose": "cm", "angle": "rad"}
BOUND = sequence.bind(FEATURES, groups={"where": ("nose", "angle")}, rate_hz=30)
TIME = 8

SUMMARIES = ("mean", "deviation", "max", "min", "first", "last", "middle")
PREFIXES = ("prefix_mean", "prefix_max", "prefix_min", "prefix_difference", "delta")
WINDOWS = ("window_mean", "window_max", "window_min", "window_difference")
LOOKS = ("trailing", "centred", "leading")

numbers = st.one_of(
    st.integers(-9, 9).map(float),
    st.floats(-4, 4, width=32, allow_subnormal=False),
    st.sampled_from([0.0, 1.0, -1.0, 1e-7, 12345.678]),
)


def arrays(*shape: int) -> st.SearchStrategy[np.ndarray]:
    """float32 arrays of one shape, small numbers and awkward ones."""
    count = int(np.prod(shape))
    return st.lists(numbers, min_size=count, max_size=count).map(
        lambda items: np.array(items, np.float32).reshape(shape)
    )


@st.composite
def vectors(draw, size: int | None, depth: int, scope: tuple[tuple[str, int, bool], ...] = ()):
    """A term of type `Real[size]` (3 or affine outputs of any size), with whether its entries have names.

    Returns:
        `(term, size, named)`.
    """
    kinds = ["affine"] if size not in (None, 3) else ["summary"] * 2 + ["affine"]
    if scope and (size is None or size == scope[-1][1]):
        kinds.append("var")
    if depth > 0:
        kinds += ["pair", "if", "one"]
        if size is None:
            kinds += ["fold"]
    kind = draw(st.sampled_from(kinds))
    if kind == "var":
        name, width, named = scope[-1]
        return Var(name), width, named
    if kind == "summary":
        stream, width, named = draw(streams(depth, scope))
        if size is not None and width != size:
            stream, width, named = Var("x"), 3, True
        name = draw(st.sampled_from([*SUMMARIES, "at"]))
        config = (("frame", draw(st.integers(-9, 9))),) if name == "at" else ()
        return Apply(name, (stream,), config), width, named
    if kind == "fold":
        stream, width, _ = draw(streams(depth, scope))
        return draw(folds(stream, width))
    if kind == "affine":
        argument, width, named = draw(vectors(None, depth - 1, scope))
        group = draw(st.sampled_from(["all", "where", "nose"])) if named and width == 3 else "all"
        size = size or draw(st.integers(1, 3))
        parameters = Parameters(
            weight=draw(arrays(size, width)), bias=draw(arrays(size)), centre=draw(arrays(width))
        )
        return Apply("affine", (argument,), (("group", group),), parameters), size, False
    if kind == "one":
        argument, width, named = draw(vectors(size, depth - 1, scope))
        return Apply(draw(st.sampled_from(["tanh", "step"])), (argument,)), width, named
    first, width, named = draw(vectors(size, depth - 1, scope))
    second, _, also = draw(vectors(width, depth - 1, scope))
    if kind == "pair":
        return Apply(draw(st.sampled_from(["add", "mul"])), (first, second)), width, named or also
    condition, _, _ = draw(vectors(1, depth - 1, scope))
    return Apply("if", (condition, first, second)), width, named or also


@st.composite
def folds(draw, stream, width: int):
    hidden = draw(st.integers(1, 2))
    gated = draw(st.booleans())
    shapes = {"kernel": (hidden, width), "bias": (hidden,)}
    shapes |= (
        {"gate_kernel": (hidden, width), "gate_bias": (hidden,)} if gated else {"recurrent": (hidden, hidden)}
    )
    parameters = Parameters(**{name: draw(arrays(*shape)) for name, shape in shapes.items()})
    name = "fold_gated" if gated else "fold_tanh"
    return Apply(name, (stream,), (("hidden", hidden),), parameters), hidden, False


@st.composite
def streams(draw, depth: int, scope: tuple[tuple[str, int, bool], ...] = ()):
    """A term of type `Seq[Real[n]]`, with `n` and whether its entries have names."""
    kind = draw(st.sampled_from(["x"] + (["window", "prefix", "part", "map", "sum"] if depth > 0 else [])))
    if kind == "x":
        return Var("x"), 3, True
    below, width, named = draw(streams(depth - 1, scope))
    if kind == "window":
        config = (("width", draw(st.integers(1, 6))), ("look", draw(st.sampled_from(LOOKS))))
        return Apply(draw(st.sampled_from(WINDOWS)), (below,), config), width, named
    if kind == "part":
        of = draw(st.integers(1, 4))
        return Apply("part", (below,), (("part", draw(st.integers(1, of))), ("of", of))), width, named
    if kind == "map":
        name = f"v{len(scope)}"
        body, result, kept = draw(vectors(None, depth - 1, (*scope, (name, width, named))))
        return Apply("map", (Lam(name, body), below)), result, kept
    if kind == "sum":
        return Apply(draw(st.sampled_from(["add", "mul"])), (below, below)), width, named
    return Apply(draw(st.sampled_from(PREFIXES)), (below,)), width, named


def programs_of(size: int, depth: int = 3):
    """Terms of type `Real[size]`."""
    return vectors(size, depth).map(lambda drawn: drawn[0])


cases = (
    st.integers(1, TIME)
    .flatmap(
        lambda length: st.lists(
            st.lists(st.floats(-8, 8, width=16), min_size=3, max_size=3), min_size=length, max_size=length
        )
    )
    .map(lambda rows: np.array(rows, np.float32))
)


def padded(frames: np.ndarray, time: int = TIME, rubbish: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Frames with rubbish behind them, and their mask."""
    values = np.full((time, frames.shape[1]), rubbish, np.float32)
    values[: len(frames)] = frames
    return values, np.arange(time) < len(frames)
