"""What a search may say in `sequence`: its rules, from the whole program down to streams of frames.

Roles that start with `summary` or `stream` have no parameters: a search fills them with every term of a few
nodes at once. `stream_...` roles keep windows to where they mean something: a centred window is read at the
middle frame, a trailing one at the last, a leading one at the first.
"""

from __future__ import annotations

from antiphon.language._sequence import WIDTHS, sequence

REDUCTIONS = ("mean", "deviation", "max", "min", "first", "last", "middle")
EXTREMES = ("mean", "max", "min", "difference")


# A product of two maps with a row for each of many classes can be run but hardly read: one output only.
PRODUCTS = [
    ("output", "affine(?summary) * ?factor", "Real[1]"),
    ("output", "affine(?summary) * ?factor + ?output", "Real[1]"),
    ("output", "map(v -> affine(v) * affine(v), ?stream_frames) + ?output", "Seq[Real[1]]"),
]


def _productions() -> list[tuple[str, str]]:
    rules = [
        ("output", "affine(?summary)"),
        ("output", "affine(?summary) + ?output"),
        ("output", "if ?condition > 0 then ?output else ?output"),
        ("output", "mean(map(v -> if affine(v) > 0 then affine(v) else affine(v), ?stream))"),
        ("factor", "affine(?summary)"),
        ("condition", "affine(?summary)"),
    ]
    rules += [("summary", f"{reduction}(?stream)") for reduction in REDUCTIONS]
    rules += [("summary", f"{r}(?stream_part)") for r in ("mean", "deviation")]
    rules += [("summary", f"{r}(?stream_change)") for r in ("mean", "deviation", "max", "min")]
    rules += [
        ("summary", "middle(?stream_centred)"),
        ("summary", "last(?stream_trailing)"),
        ("summary", "first(?stream_leading)"),
        ("stream_change", "delta(x)"),
    ]
    rules += [("stream_part", f"part[part={k}, of={n}](x)") for n in (2, 3) for k in range(1, n + 1)]
    rules += [
        ("stream_centred", f"window_{kind}[width={width}, look=centred](x)")
        for kind in EXTREMES
        for width in WIDTHS
    ]
    for look, role in (("trailing", "stream_trailing"), ("leading", "stream_leading")):
        rules += [(role, f"window_mean[width={width}, look={look}](x)") for width in WIDTHS]
    rules += [("stream_trailing", f"window_difference[width={width}, look=trailing](x)") for width in WIDTHS]
    return rules + _tagging()


def _tagging() -> list[tuple[str, str]]:
    """Rules that apply where every frame gets an answer."""
    rules = [
        ("output", "map(v -> affine(v), ?stream_frames)"),
        ("output", "map(v -> affine(v), ?stream_frames) + ?output"),
        ("output", "map(v -> if affine(v) > 0 then affine(v) else affine(v), ?stream_frames)"),
        ("stream_frames", "delta(x)"),
        ("stream_frames", "prefix_mean(x)"),
    ]
    rules += [
        ("stream_frames", f"window_{kind}[width={width}, look={look}](x)")
        for kind in EXTREMES
        for width in WIDTHS
        for look in ("centred", "trailing")
    ]
    return rules


sequence.rules[:] = []
for _role, _template in _productions():
    sequence.rule(_role, _template)
for _role, _template, _type in PRODUCTS:
    sequence.rule(_role, _template, _type)
