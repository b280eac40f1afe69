"""What a search may say in `sound`: its rules, from the whole program down to streams of frames.

Programs describe the course of a clip: what a feature is in a third or a quarter of it, how far it moves,
when it is largest, how often it rises. Templates that need bands or a rate stand only where these are.
"""

from __future__ import annotations

from antiphon.language._sequence import sequence
from antiphon.language._sound import CUTS, sound

# Few and different: a search tries each of them next to all that it has so far.
WHOLE = ("mean", "deviation", "max", "min", "first", "last", "slope[per=s]", "when_max[unit=s]")
PARTS = (2, 3)
REDUCTIONS = ("mean", "deviation", "max")
WIDTHS = (5, 10, 25)  # Frames; at 100 a second 50, 100 and 250 ms.
# What a constant that is added to all frames does not change.
UNMOVED = ("deviation", "range", "slope", "when_max", "when_min", "periodicity", "delta", "onset", "offset")


def _course(word: str, of: int, stream: str = "x") -> str:
    """One map for each part of a clip, one after the other."""
    return " + ".join(f"affine({word}(part[part={k}, of={of}]({stream})))" for k in range(1, of + 1))


def _whole() -> list[tuple[str, str]]:
    courses = [_course(word, of) for word in ("mean", "deviation") for of in (3, 4)]
    courses.append(_course("mean", 4, "relative(x)"))
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
    rules += [("summary", f"{word}(?stream_part)") for word in ("mean", "deviation")]
    rules += [("stream_part", f"part[part={k}, of={n}](x)") for n in PARTS for k in range(1, n + 1)]
    rules += [("summary", f"{word}(delta(x))") for word in ("mean", "deviation")]
    rules += [("summary", f"{word}(onset[width=10](x))") for word in ("mean", "max")]
    rules += [("summary", "max(offset[width=10](x))"), ("summary", "count(relative(x))")]
    rules += [("summary", "periodicity[width=10](x)")]
    rules += [("summary", "last(window_mean[width=10, look=trailing](x))")]
    rules += [("summary", "first(window_mean[width=10, look=leading](x))")]
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
    for n in (*PARTS, 4):
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
