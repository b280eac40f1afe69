"""A hybridised method with its object."""

from __future__ import annotations

import functools
from typing import Any


class Bound:
    """A hybridised method with its object."""

    def __init__(self, hybrid: Any, owner: Any) -> None:
        self.__func__, self.__self__ = hybrid, owner
        functools.update_wrapper(self, hybrid, updated=())

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the method."""
        return self.__func__(self.__self__, *args, **kwargs)

    def __antiphon_hybrid__(self, args: tuple) -> tuple[Any, tuple]:
        """For converted code: the function itself, to be part of the same graph."""
        return self.__func__._f, (self.__self__, *args)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__func__, name)
