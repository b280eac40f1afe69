"""What is equal in `sequence`, on every sequence of at least one frame, whatever its mask."""

from __future__ import annotations

from antiphon.language._sequence import LOOKS, sequence


def _equations() -> list[tuple[str, str]]:
    found = [
        ("if ?condition > 0 then ?a else ?a", "?a"),
        ("at[frame=0](?stream)", "first(?stream)"),
        ("at[frame=-1](?stream)", "last(?stream)"),
        ("part[part=1, of=1](?stream)", "?stream"),
        ("window_difference[width=2, look=trailing](?stream)", "delta(?stream)"),
        ("last(prefix_mean(?stream))", "mean(?stream)"),
    ]
    for kind in ("mean", "max", "min"):
        found += [(f"window_{kind}[width=1, look={look}](?stream)", "?stream") for look in LOOKS]
        # At its own end a window sees one frame only.
        found += [
            (f"first(window_{kind}[look=trailing](?stream))", "first(?stream)"),
            (f"last(window_{kind}[look=leading](?stream))", "last(?stream)"),
            (f"first(prefix_{kind}(?stream))", "first(?stream)"),
        ]
    for kind in ("max", "min"):
        found += [
            (f"last(prefix_{kind}(?stream))", f"{kind}(?stream)"),
            (f"{kind}(prefix_{kind}(?stream))", f"{kind}(?stream)"),
            (f"{kind}(window_{kind}(?stream))", f"{kind}(?stream)"),
            (f"prefix_{kind}(window_{kind}[look=trailing](?stream))", f"prefix_{kind}(?stream)"),
        ]
    return found


for _one, _other in _equations():
    sequence.equal(_one, _other)
