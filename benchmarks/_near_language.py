"""The language of the NEAR tutorials on CalMS21, and its programs in the order of their size.

Eleven feature groups, each under an affine map to 16 hidden numbers; sums and products of these; the average
over one of four windows (5 and 10 frames at the end, 5 and 11 around the centre); a linear read-out.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from antiphon.language import Language

HIDDEN = 16
GROUPS = {
    "res_angle_head_body": (0, 1),
    "axis_ratio": (2, 3),
    "speed": (4, 5),
    "acceleration": (6, 7),
    "tangential_velocity": (8, 9),
    "rel_angle_social": (10, 11),
    "angle_between": (12,),
    "facing_angle": (13, 14),
    "overlap_bboxes": (15,),
    "area_ellipse_ratio": (16,),
    "min_res_nose_dist": (17,),
}
WINDOWS = {"last5": (8, 13), "last10": (3, 13), "centre5": (4, 9), "centre11": (1, 12)}  # Of 13 frames.
WIDEST = 2  # Columns of a group; the absent one of a lone column is 0.


def windows(frames: int) -> dict[str, tuple[int, int]]:
    """The windows' first frame and the one after the last, for sequences of some length."""
    if frames == 13:
        return WINDOWS
    middle = frames // 2
    return {
        "last5": (frames - 5, frames),
        "last10": (frames - 10, frames),
        "centre5": (middle - 2, middle + 3),
        "centre11": (middle - 5, middle + 6),
    }


def near_language(frames: int = 13) -> Language:
    """The language, bound to 18 features."""
    spans = windows(frames)

    def span_of(value: Any, types: Any, language: Any) -> np.ndarray:
        first, after = spans[value]
        number = np.arange(frames)
        return ((number >= first) & (number < after)).astype(np.float32) / (after - first)

    def columns_of(value: Any, types: Any, language: Any) -> np.ndarray:
        return np.array([*GROUPS[value], *[-1] * (WIDEST - len(GROUPS[value]))], np.int32)

    language = Language.bare("near-calms21")

    @language.primitive(
        "Seq[Real[n]] -> Real[n]", config={"over": tuple(spans)}, data={"over": span_of}, searched=False
    )
    def average(frames, mask, *, over):
        return over @ frames

    @language.primitive(
        f"Real[18] -> Real[{WIDEST}]", config={"of": tuple(GROUPS)}, data={"of": columns_of}, searched=False
    )
    def pick(v, *, of):
        return jnp.where(of >= 0, v[jnp.maximum(of, 0)], 0.0)

    @language.primitive(
        f"Real[{WIDEST}] -> Real[hidden]",
        config={"hidden": (HIDDEN,)},
        parameters={"kernel": f"hidden {WIDEST}", "bias": "hidden"},
        searched=False,
    )
    def lift(v, *, hidden, kernel, bias):
        return kernel @ v + bias

    @language.primitive(
        f"Real[{HIDDEN}] -> Real[m]", parameters={"kernel": f"m {HIDDEN}", "bias": "m"}, searched=False
    )
    def readout(v, *, kernel, bias):
        return kernel @ v + bias

    number = f"Real[{HIDDEN}]"
    pair = f"{number} -> {number} -> {number}"
    language.primitive(pair, name="add", laws=("commutative", "associative"), searched=False)(jnp.add)
    language.primitive(pair, name="mul", laws=("commutative", "associative"), searched=False)(jnp.multiply)
    language.rule("output", "readout(?vector)")
    language.rule("vector", f"lift[hidden={HIDDEN}](?summary)")
    language.rule("vector", "?vector + ?vector")
    language.rule("vector", "?vector * ?vector")
    for group in GROUPS:
        language.rule("summary", f"pick[of={group}](?summary_window)")
    for window in spans:
        language.rule("summary_window", f"average[over={window}](x)")
    return language.bind({f"x{i}": "" for i in range(18)})


def as_s_expression(term: Any) -> str:
    """A program of this language as neurosym-lib writes it; every leaf has its own window."""
    match term.name:
        case "readout":
            return f"(output {as_s_expression(term.args[0])})"
        case "add" | "mul":
            return f"({term.name} {as_s_expression(term.args[0])} {as_s_expression(term.args[1])})"
    picked = term.args[0]
    return f"(average_{picked.args[0].setting('over')} (affine_{picked.setting('of')}))"
