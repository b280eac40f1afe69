"""Matplotlib figures as inline SVG that takes its colours from the page.

Figures are drawn in stand-in colours, which are then replaced by CSS variables: so one drawing serves the
light and the dark page. Text stays text, in the page's own font.
"""

from __future__ import annotations

import io
import re
import warnings
import zlib
from collections.abc import Callable
from threading import Lock
from typing import Any

import matplotlib
import numpy as np
from jaxtyping import Float
from markupsafe import Markup
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

# Stand-in colour -> CSS variable of the template.
INK, MUTED, LINE = "#010203", "#040506", "#070809"
PROGRAM, OTHER, AGAINST = "#0a0b0c", "#0d0e0f", "#101112"
_VARIABLES = {
    INK: "var(--ink)",
    MUTED: "var(--muted)",
    LINE: "var(--line)",
    PROGRAM: "var(--program)",
    OTHER: "var(--other)",
    AGAINST: "var(--against)",
}
# What the images inside figures use, since an image cannot read CSS; legible on white and on black.
PROGRAM_RGB, AGAINST_RGB = (0.16, 0.47, 0.84), (0.87, 0.42, 0.10)

_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "antiphon",
    "text.parse_math": False,  # a class may be called "$a$"
    "text.color": INK,
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "axes.edgecolor": LINE,
    "axes.labelcolor": MUTED,
    "axes.titlecolor": INK,
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
    "axes.formatter.use_mathtext": False,
    "figure.facecolor": "none",
    "grid.color": LINE,
    "grid.linewidth": 0.7,
    "xtick.color": LINE,
    "ytick.color": LINE,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
}
_style_lock = Lock()  # rc_context changes settings of the whole process for a moment

WIDTH = 9.0  # inches: the width of the page's column


def draw(height: float, paint: Callable[[Figure], None], *, width: float = WIDTH) -> Markup:
    """Make a figure, let `paint` fill it, and return it as an SVG element.

    Args:
        height: Height in inches.
        paint: Draws into the figure.
        width: Width in inches.

    Example:
        >>> svg = draw(1.0, lambda figure: None)
        >>> svg.startswith("<svg"), "http" in svg.split(">", 1)[1]
        (True, False)
    """
    stream = io.StringIO()
    with _style_lock, matplotlib.rc_context(_STYLE), warnings.catch_warnings():
        # A name in a script that the measuring font lacks is still shown by the browser.
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from", category=UserWarning)
        warnings.filterwarnings(
            "ignore", message=r"Matplotlib currently does not support", category=UserWarning
        )
        warnings.filterwarnings("ignore", message=r"constrained_layout not applied", category=UserWarning)
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasSVG(figure)
        paint(figure)
        nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
        figure.savefig(stream, format="svg", metadata=nothing)
    return Markup(_inline(stream.getvalue()))


def shorten(text: str, most: int = 22) -> str:
    """A text for a place of limited width.

    Example:
        >>> shorten("nose_distance_to_the_intruder", 12)
        'nose_distan…'
    """
    text = " ".join(text.encode("utf-8", "replace").decode().split())  # half a character cannot be drawn
    return text if len(text) <= most else text[: most - 1] + "…"


def thinned(
    places: Float[np.ndarray, " point"], values: Float[np.ndarray, " point"], most: int = 1500
) -> tuple[Float[np.ndarray, " few"], Float[np.ndarray, " few"]]:
    """A long line with fewer points that looks the same: of each stretch its lowest and its highest point.

    Args:
        places: `(point,)`, rising.
        values: `(point,)`.
        most: Points that are enough.

    Example:
        >>> thinned(np.arange(6.0), np.array([0.0, 3.0, 1.0, 5.0, 4.0, 9.0]), 4)
        (array([0., 1., 4., 5.]), array([0., 3., 4., 9.]))
    """
    if len(values) <= most:
        return places, values
    kept = []
    for part in np.array_split(np.arange(len(values)), max(1, most // 2)):
        kept += sorted({part[np.argmin(values[part])], part[np.argmax(values[part])]})
    return places[kept], values[kept]


def _inline(svg: str) -> str:
    """Cut an SVG file down to the element, and let names in it clash with nothing on the page."""
    svg = svg[svg.index("<svg") :].rstrip()
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    for colour, variable in _VARIABLES.items():
        svg = svg.replace(colour, variable)
    prefix = f"s{zlib.crc32(svg.encode('utf-8', 'replace')):x}-"  # the same in every process
    # Only the tags are touched, never the text between them.
    return re.sub(r"<[^>]+>", lambda tag: _rename(tag.group(), prefix), svg)


def _rename(tag: str, prefix: str) -> str:
    tag = re.sub(r'(\sid=")([^"]*")', rf"\g<1>{prefix}\g<2>", tag)
    tag = re.sub(r'(href="#)([^"]*")', rf"\g<1>{prefix}\g<2>", tag)
    return tag.replace("url(#", f"url(#{prefix}")
