"""Every primitive of `sequence` once more, frame by frame in NumPy: slow, plain, and independent."""

from __future__ import annotations

import numpy as np

from antiphon.language import Apply, Lam, Var

REACH = {
    "trailing": lambda t, w: (t - w + 1, t),
    "leading": lambda t, w: (t, t + w - 1),
    "centred": lambda t, w: (t - w // 2, t + (w - 1) // 2),
}


def value(term, x, groups):
    """The value of a term on frames `(time, n)` that are all real; sequences come as (frames, mask)."""
    return _run(term, {"x": (x.astype(np.float64), np.ones(len(x), bool))}, groups)


def _run(term, scope, groups):
    if isinstance(term, Var):
        return scope[term.name]
    assert isinstance(term, Apply)
    c = dict(term.config)
    if term.name == "map":
        body, argument = term.args
        assert isinstance(body, Lam)
        frames, mask = _run(argument, scope, groups)
        return np.array([_run(body.body, {**scope, body.name: v}, groups) for v in frames]), mask
    args = [_run(a, scope, groups) for a in term.args]
    if term.name in ("add", "mul"):
        f = np.add if term.name == "add" else np.multiply
        (a, b) = args
        return (f(a[0], b[0]), a[1] & b[1]) if isinstance(a, tuple) else f(a, b)
    p = {k: v.astype(np.float64) for k, v in (term.parameters or {}).items()}
    if term.name == "affine":
        return p["weight"] @ ((args[0] - p["centre"]) * groups.get(c["group"], 1.0)) + p["bias"]
    if term.name == "if":
        return args[1] if args[0][0] > 0 else args[2]
    if term.name == "tanh":
        return np.tanh(args[0])
    if term.name == "step":
        return (args[0] > 0).astype(float)
    frames, mask = args[0]
    if term.name == "part":
        there = np.flatnonzero(mask)
        start, stop = (c["part"] - 1) * len(there) // c["of"], c["part"] * len(there) // c["of"]
        kept = there[start : max(stop, start + 1)]
        return frames, np.isin(np.arange(len(mask)), kept)
    if term.name.startswith("prefix_fold"):
        out = np.zeros((len(frames), c["hidden"]))
        for t in np.flatnonzero(mask):
            out[t] = _summary(term.name.removeprefix("prefix_"), frames[: t + 1][mask[: t + 1]], c, p)
        return out, mask
    if term.name.startswith(("window", "prefix")) or term.name == "delta":
        return _stream(term.name, frames, mask, c), mask
    return _summary(term.name, frames[mask], c, p)


def _stream(name, frames, mask, c):
    out = np.zeros_like(frames)
    for t in np.flatnonzero(mask):
        if name.startswith("window"):
            low, high = REACH[c["look"]](t, c["width"])
        else:
            low, high = (t - 1, t) if name == "delta" else (0, t)
        seen = [frames[i] for i in range(low, high + 1) if 0 <= i < len(frames) and mask[i]]
        kind = name.partition("_")[2] or "difference"
        out[t] = {
            "mean": lambda s: np.mean(s, 0),
            "max": lambda s: np.max(s, 0),
            "min": lambda s: np.min(s, 0),
            "difference": lambda s: s[-1] - s[0],
        }[kind](seen)
    return out


def _summary(name, frames, c, p):
    count = len(frames)
    if name.startswith("fold"):
        h = np.zeros(c["hidden"])
        for v in frames:
            if name == "fold_tanh":
                h = np.tanh(p["kernel"] @ v + p["recurrent"] @ h + p["bias"])
            else:
                z = 1 / (1 + np.exp(-(p["gate_kernel"] @ v + p["gate_bias"])))
                h = (1 - z) * h + z * np.tanh(p["kernel"] @ v + p["bias"])
        return h
    if name == "at":
        frame = c["frame"] + (count if c["frame"] < 0 else 0)
        return frames[min(max(frame, 0), count - 1)]
    return {
        "mean": lambda: frames.mean(0),
        "deviation": lambda: frames.std(0),
        "max": lambda: frames.max(0),
        "min": lambda: frames.min(0),
        "first": lambda: frames[0],
        "last": lambda: frames[-1],
        "middle": lambda: frames[(count - 1) // 2],
    }[name]()
