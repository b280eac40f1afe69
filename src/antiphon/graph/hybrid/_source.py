"""From source to source: Python whose control flow is calls of operators, by malt's converters."""

from __future__ import annotations

import ast
import inspect
import threading
import types
import weakref
from collections.abc import Callable
from typing import Any

from malt.converters import (
    break_statements,
    call_trees,
    conditional_expressions,
    continue_statements,
    control_flow,
    functions,
    logical_expressions,
    return_statements,
    variables,
)
from malt.core import converter
from malt.pyct import anno, cfg, naming, origin_info, parser, qual_names, transformer, transpiler
from malt.pyct.inspect_utils import getfutureimports, getnamespace
from malt.pyct.static_analysis import activity, reaching_definitions

from antiphon.graph.hybrid._rewrites import after, before


class Unconvertible(Exception):  # noqa: N818  (an answer, not a failure)
    """A function whose source cannot be read or rewritten; says why."""


class _Options(converter.ConversionOptions):
    def uses(self, feature: Any) -> bool:
        return feature is converter.Feature.BUILTIN_FUNCTIONS  # or `print` would stay Python's own


class _Control(control_flow.ControlFlowTransformer):
    # Attributes and items are followed on the objects themselves (`_heap.py`), wherever they are written.
    def _get_block_composite_vars(self, modified: Any, live_in: Any) -> frozenset:
        return frozenset()


class _Conditional(conditional_expressions.ConditionalExpressionTransformer):
    def visit_IfExp(self, node: Any) -> Any:  # noqa: N802
        inner: Any = self.generic_visit(node)  # one inside another is converted too
        return super().visit_IfExp(inner)


def _control(node: Any, ctx: Any) -> Any:
    from malt.pyct.static_analysis import liveness, reaching_fndefs

    graphs = cfg.build(node)
    node = qual_names.resolve(node)
    node = activity.resolve(node, ctx, None)
    node = reaching_definitions.resolve(node, ctx, graphs)
    node = reaching_fndefs.resolve(node, ctx, graphs)
    node = liveness.resolve(node, ctx, graphs)
    return _Control(ctx).visit(node)


class _Factory(transpiler._PythonFnFactory):
    """Loads what was written under the name and lines of the original, so that tracebacks point there."""

    def load(self, node: Any, namer: naming.Namer, file: str, line: int, future: tuple) -> None:
        inner, outer = namer.new_symbol("inner_factory", ()), namer.new_symbol("outer_factory", ())
        wrapped = transpiler._wrap_into_factory(
            node, self._name, inner, outer, self._freevars, self._extra_locals.keys(), future
        )
        body: list[Any] = list(wrapped) if isinstance(wrapped, list | tuple) else [wrapped]
        module = ast.Module(body=body, type_ignores=[])
        _place(module, line)
        space: dict[str, Any] = {}
        exec(compile(module, file, "exec", dont_inherit=True), space)
        self._unbound_factory = space[outer]()


def _place(node: ast.AST, line: int) -> None:
    """Give every node the line that it came from; what was added has the line of what it stands in."""
    origin: Any = anno.getanno(node, anno.Basic.ORIGIN, default=None)
    if origin is not None:
        line = origin.loc.lineno
    if "lineno" in node._attributes:
        node.lineno = node.end_lineno = line  # pyright: ignore[reportAttributeAccessIssue]
        node.col_offset, node.end_col_offset = 0, 1  # pyright: ignore[reportAttributeAccessIssue]
    for child in ast.iter_child_nodes(node):
        _place(child, line)


_factories: weakref.WeakKeyDictionary[types.CodeType, Any] = weakref.WeakKeyDictionary()
_lock = threading.RLock()


def convert(f: Callable[..., Any], operators: types.ModuleType) -> Callable[..., Any]:
    """The same function with its control flow as calls of operators.

    Args:
        f: A plain Python function.
        operators: What `ag__` is in the converted source.

    Raises:
        Unconvertible: If its source is not to be had, or holds what cannot be rewritten.
    """
    code = f.__code__
    with _lock:
        factory = _factories.get(code)
        if factory is None:
            try:
                factory = _transform(f, operators)
            except Unconvertible as error:
                factory = error
            except Exception as error:  # the converters stop in many ways at what they do not know
                factory = Unconvertible(str(error) or type(error).__name__)
            _factories[code] = factory
    if isinstance(factory, Unconvertible):
        raise factory
    made = factory.instantiate(
        globals_=f.__globals__,
        closure=f.__closure__ or (),
        defaults=f.__defaults__,
        kwdefaults=f.__kwdefaults__,
    )
    made.__name__, made.__qualname__ = f.__name__, f.__qualname__
    return made


def _transform(f: Any, operators: types.ModuleType) -> _Factory:
    if inspect.isgeneratorfunction(f) or inspect.iscoroutinefunction(f) or inspect.isasyncgenfunction(f):
        raise Unconvertible("a generator, or a coroutine, keeps its place between calls")
    future = getfutureimports(f)
    node, source = parser.parse_entity(f, future_features=future)
    origin_info.resolve_entity(node, source, f)
    namer = naming.Namer(getnamespace(f))
    name = namer.new_symbol("converted_" + ("lambda" if isinstance(node, ast.Lambda) else f.__name__), ())
    info = transformer.EntityInfo(
        name=name, source_code=source, source_file="<fragment>", future_features=future, namespace={}
    )
    options = _Options(recursive=True, user_requested=False, optional_features=None)  # pyright: ignore[reportArgumentType]
    ctx = transformer.Context(info, namer, converter.ProgramContext(options=options))
    line = f.__code__.co_firstlineno
    _no_defaults(node)
    node = _rewrite(before(node, f), ctx)
    if isinstance(node, ast.Lambda):
        node = ast.Assign(targets=[ast.Name(name, ctx=ast.Store())], value=node)
    else:
        node.name = name
    factory = _Factory(name, f.__code__.co_freevars, {"ag__": operators})
    factory.load(node, namer, f.__code__.co_filename, line, future)
    return factory


def _no_defaults(node: Any) -> None:
    """Defaults are those of the function object."""
    node.args.defaults = [ast.Constant(None) for _ in node.args.defaults]
    node.args.kw_defaults = [None if d is None else ast.Constant(None) for d in node.args.kw_defaults]
    for argument in ast.walk(node.args):
        if isinstance(argument, ast.arg):
            argument.annotation = None
    if isinstance(node, ast.FunctionDef):
        node.returns = None


def _rewrite(node: Any, ctx: Any) -> Any:
    graphs = cfg.build(node)
    node = qual_names.resolve(node)
    node = activity.resolve(node, ctx, None)
    node = reaching_definitions.resolve(node, ctx, graphs)
    anno.dup(node, {anno.Static.DEFINITIONS: anno.Static.ORIG_DEFINITIONS})
    for step in (functions, break_statements, continue_statements, return_statements, call_trees):
        node = step.transform(node, ctx)
    node = _control(node, ctx)
    node = _Conditional(ctx).visit(node)
    for step in (logical_expressions, variables):
        node = step.transform(node, ctx)
    return after(node)
