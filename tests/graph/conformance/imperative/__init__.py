"""Small imperative functions as data: what a conversion must do as plain Python does.

Three groups, after the JANUS paper (Jeong et al., NSDI 2019): dynamic control flow, dynamic types and shapes,
impure functions. A case is written against `xp`, which is `jax.numpy` or `torch`; nothing here needs either.
"""

from imperative import control_flow, impure, loops, recursion, types
from imperative._case import CASES, Case, Changed, arrays_of, run_calls

GROUPS = ("dynamic control flow", "dynamic types", "impure functions")

__all__ = [
    "CASES",
    "GROUPS",
    "Case",
    "Changed",
    "arrays_of",
    "control_flow",
    "impure",
    "loops",
    "recursion",
    "run_calls",
    "types",
]
