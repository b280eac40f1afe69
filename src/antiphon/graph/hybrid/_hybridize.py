"""The public call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, overload

from antiphon.errors import InputError
from antiphon.graph.hybrid._hybrid import Hybrid
from antiphon.graph.hybrid._trace import Options


@overload
def hybridize(f: Callable[..., Any], /) -> Hybrid: ...
@overload
def hybridize(
    *, max_iterations: int | None = None, gradient: str = "reverse", unroll: int = 8
) -> Callable[[Callable[..., Any]], Hybrid]: ...
def hybridize(
    f: Callable[..., Any] | None = None,
    /,
    *,
    max_iterations: int | None = None,
    gradient: str = "reverse",
    unroll: int = 8,
) -> Any:
    """Let a function of imperative Python run as one compiled graph.

    `if`, `while`, `for`, `break`, `continue`, early `return`, `and`, `or`, `not`, conditional expressions,
    `assert`, `print` and changes of state may depend on values that only the run knows. What has no form in a
    graph is assumed to be as it was, and checked; or it runs as Python, with the same result.
    After Jeong et al., "JANUS: Fast and flexible deep learning via symbolic graph execution of imperative
    programs" (NSDI 2019); conversion of source as in Moldovan et al., "AutoGraph" (MLSys 2019).

    Args:
        f: A function, a bound method, or a callable module; left out if options are given.
        max_iterations: Bound on loops whose number of rounds only the run knows. With a bound they have a
            forward derivative as well; a run that needs more rounds is run as Python.
        gradient: "reverse" or "forward": which derivative such loops have if they have no bound.
        unroll: Loops over arrays and ranges of at most this many rounds are unrolled, longer ones are scans.

    Returns:
        What is called in its place; `.eager()`, `.compiled()`, `.explain()`, `.graph(...)` belong to it.

    Raises:
        InputError: For something that cannot be called, or an option that makes no sense.

    Example:
        >>> import jax.numpy as jnp
        >>> from antiphon.graph.hybrid import hybridize
        >>> @hybridize
        ... def halvings(x):
        ...     n = 0
        ...     while x > 1:
        ...         x = x / 2
        ...         n = n + 1
        ...     return n
        >>> int(halvings(jnp.asarray(40.0)))
        6
    """
    if gradient not in ("reverse", "forward"):
        raise InputError(f"gradient={gradient!r}.", '"reverse" or "forward".')
    if max_iterations is not None and (not isinstance(max_iterations, int) or max_iterations < 1):
        raise InputError(f"max_iterations={max_iterations!r}.", "A whole number from 1, or None.")
    if not isinstance(unroll, int) or unroll < 0:
        raise InputError(f"unroll={unroll!r}.", "A whole number from 0.")
    options = Options(max_iterations, gradient, unroll)
    if f is None:
        return lambda g: hybridize_with(g, options)
    return hybridize_with(f, options)


def hybridize_with(f: Any, options: Options) -> Hybrid:
    """The function, with the given options."""
    if not callable(f):
        raise InputError(f"{f!r}.", "A function, a method, or a module that can be called.")
    return Hybrid(f, options)
