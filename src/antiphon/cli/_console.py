"""How lines look: a title in a column of its own, text beside it."""

from __future__ import annotations

import sys
import textwrap
import time

from rich.console import Console
from rich.text import Text

TITLE = 18


def console() -> Console:
    """A console on standard output; without a terminal its lines are never broken or coloured."""
    if sys.stdout.isatty():
        return Console(highlight=False)
    return Console(highlight=False, soft_wrap=True, no_color=True, width=200)


def line(out: Console, title: str, text: str | Text, *, aside: str = "") -> None:
    """One line: title, text, and on a terminal with room for it something at the right edge.

    A title that is too long for its column stands on a line of its own.
    """
    if len(title) > TITLE - 2:
        out.print(Text(title, "bold"), soft_wrap=True)
        title = ""
    body = text if isinstance(text, Text) else Text(text)
    if out.is_terminal and not aside and len(body.plain) > out.width - TITLE:
        body = Text(f"\n{'':{TITLE}}".join(textwrap.wrap(body.plain, max(out.width - TITLE, 30))))
    row = Text.assemble((f"{title:{TITLE}}", "bold"), body)
    room = out.width - row.cell_len - len(aside)
    if aside and out.is_terminal and room > 2:
        row.append(" " * room + aside, "dim")
    out.print(row, soft_wrap=True)


def block(out: Console, text: str, *, style: str = "") -> None:
    """Lines of text, indented below a title."""
    for row in text.splitlines():
        out.print(Text(" " * (TITLE + 2) + row, style), soft_wrap=True)


def log(message: str) -> None:
    """One plain line with the time, flushed, for runs that nobody watches."""
    print(f"{time.strftime('%H:%M:%S')}  {message}", flush=True)


def clock(seconds: float) -> str:
    """Minutes and seconds.

    Example:
        >>> clock(130.4), clock(3725)
        ('2:10', '1:02:05')
    """
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02}:{rest:02}"
