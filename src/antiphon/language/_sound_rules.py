"""What a search may say in `sound`: its rules, from the whole program down to streams of frames.

Programs describe the course of a clip: what a feature is in a third or a quarter of it, how far it moves,
when it is largest, how often it rises. Templates that need bands or a rate stand only where these are.
"""

from __future__ import annotations

from antiphon.language._sequence import sequence
from antiphon.language._sound import CUTS, sound

WHOLE = ("mean", "deviation", "max", "min", "range", "first", "last", "slope[per=s]", "when_max[unit=s]")
PARTS = (2, 3, 4)
OVER_PARTS = ("mean", "deviation", "max", "min")
REDUCTIONS = ("mean", "deviation", "max")
WIDTHS = (5, 10, 25)  # Frames; at 100 a second 50, 100 and 250 ms.
# What a constant that is added to all frames does not change.
UNMOVED = ("deviation", "range", "slope", "when_max", "when_min", "periodicity", "delta", "onset", "offset")


def _whole() -> list[tuple[str, str]]:
    courses = [
        " + ".join(f"affine(mean(part[part={k}, of={n}](x)))" for k in range(1, n + 1)) for n in (3, 4)
    ]
    single = ["duration[unit=s](x)"]
    single += [f"{r}(ratio[cut={cut}](x))" for r in REDUCTIONS for cut in CUTS]
    return [
        ("output", "affine(?summary)"),
        ("output", "affine(?summary) + ?output"),
        *[("output", course) for course in courses],
        *[("output", f"{course} + ?output") for course in courses],
        *[("output", f"affine({one}) + ?output") for one in single],
        ("output", "if ?condition > 0 then ?output else ?output"),
        ("condition", "affine(?summary)"),
        *[("condition", f"affine({one})") for one in single],
    ]


def _summaries() -> list[tuple[str, str]]:
    rules = [("summary", f"{word}(?stream)") for word in WHOLE]
    rules += [("summary", f"{word}(?stream_part)") for word in OVER_PARTS]
    rules += [("stream_part", f"part[part={k}, of={n}](x)") for n in PARTS for k in range(1, n + 1)]
    rules += [("summary", f"{word}(?stream_change)") for word in REDUCTIONS]
    rules += [("stream_change", t) for t in ("delta(x)", "onset[width=10](x)", "offset[width=10](x)")]
    rules += [("summary", "count(relative(x))")]
    rules += [("summary", f"periodicity[width={width}](x)") for width in (10, 20)]
    rules += [("summary", f"last(window_mean[width={width}, look=trailing](x))") for width in WIDTHS]
    rules += [("summary", f"first(window_mean[width={width}, look=leading](x))") for width in WIDTHS]
    return rules


def _frames() -> list[tuple[str, str]]:
    """Streams that answers at every frame may read."""
    rules = [("stream_frames", t) for t in ("delta(x)", "prefix_mean(x)", "relative(x)")]
    rules += [("stream_frames", f"{word}[width={w}](x)") for word in ("onset", "offset") for w in WIDTHS]
    rules += [
        ("stream_frames", f"window_{kind}[width={width}, look={look}](x)")
        for kind in ("mean", "max", "min")
        for width in WIDTHS
        for look in ("centred", "trailing")
    ]
    return rules


def _equations() -> list[tuple[str, str]]:
    """What is equal on every sequence of at least one frame."""
    found = [(f"{word}(relative(?stream))", f"{word}(?stream)") for word in UNMOVED]
    found += [("relative(prefix_difference(?stream))", "relative(?stream)")]
    for n in PARTS:
        found += [
            (f"first(part[part=1, of={n}](?stream))", "first(?stream)"),
            (f"last(part[part={n}, of={n}](?stream))", "last(?stream)"),
        ]
    return found


sound.rules[:] = [rule for rule in sequence.rules if rule.role == "output" and rule.template[:3] == "map"]
for _role, _template in [*_whole(), *_summaries(), *_frames()]:
    sound.rule(_role, _template)
for _one, _other in _equations():
    sound.equal(_one, _other)
