"""What stops a trace: not errors, so that no `except Exception` of the user's code catches them."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any, NamedTuple


class Site(NamedTuple):
    """A line of the user's code, and the place in it."""

    file: str
    line: int
    function: str = ""
    spot: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


NOWHERE = Site("<unknown>", 0)


@dataclass
class Reason:
    """Why a construct is not converted, in words, with what to write instead."""

    site: Site
    construct: str
    why: str
    advice: str = ""

    def __str__(self) -> str:
        return f"{self.site}: {self.construct}: {self.why}" + (f" {self.advice}" if self.advice else "")


class Signal(BaseException):
    """Base of what stops a trace."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(str(reason))
        self.reason = reason


class Unstructured(Signal):
    """A construct has no form as `cond`, `scan` or `while`: its course may be assumed instead."""


class Imperative(Signal):
    """Nothing but running it as Python is right."""


class Unknown(Signal):
    """A value is needed that only a run can tell."""


class Again(BaseException):
    """What was read in this trace was not an input of it yet: trace again."""


def here() -> Site:
    """The line of converted code that is running."""
    frame: Any = sys._getframe(1)
    while frame is not None:
        if "ag__" in frame.f_code.co_freevars:
            return Site(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name, frame.f_lasti)
        frame = frame.f_back
    return NOWHERE
