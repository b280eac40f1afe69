"""Arrays written down as source."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

WIDTH = 100


def rows(array: np.ndarray, open_: str, close: str, digits: Callable[[Any], str], indent: int = 4) -> str:
    """Nested lists of numbers, a line for a row, broken where it is long.

    Args:
        array: At least one axis.
        open_: What starts a list, `[` or `{`.
        close: What ends it.
        digits: How a number is written.
        indent: Spaces before the first line that is not the opening one.

    Example:
        >>> print(rows(np.array([[1.0, 2.0], [3.0, 4.0]]), "[", "]", str))
        [
            [1.0, 2.0],
            [3.0, 4.0],
        ]
    """
    if array.ndim == 1:
        items = [digits(v) for v in array]
        line = open_ + ", ".join(items) + close
        if len(line) + indent <= WIDTH:
            return line
        lines, here = [], ""
        for item in items:
            if len(here) + len(item) + 2 + indent > WIDTH:
                lines.append(here.rstrip())
                here = ""
            here += item + ", "
        lines.append(here.rstrip())
        pad = " " * indent
        return open_ + "\n" + "\n".join(pad + text for text in lines) + f"\n{pad[:-4]}{close}"
    pad = " " * indent
    inner = [rows(part, open_, close, digits, indent + 4) for part in array]
    return open_ + "\n" + "".join(f"{pad}{text},\n" for text in inner) + pad[:-4] + close
