"""What is rewritten before and after malt's converters: what they refuse, or leave to Python."""

from __future__ import annotations

import ast
from typing import Any

from malt.pyct import anno


def before(node: ast.AST, f: Any) -> Any:
    """Into what the converters take: no `assert`, f-strings, `a.b += c`, `a = b = c`, or private names."""
    holder = f.__qualname__.rsplit(".", 2)
    owner = holder[-2] if len(holder) > 1 and holder[-2] != "<locals>" else ""
    node = _Before(owner).visit(node)
    return node


def after(node: ast.AST) -> ast.AST:
    """Reads of attributes and items become operators; the owner of what is written is made known."""
    return _After().visit(node)


def _op(name: str, *arguments: ast.expr) -> ast.Call:
    function = ast.Attribute(ast.Name("ag__", ast.Load()), name, ast.Load())
    return ast.Call(function, list(arguments), [])


def _thunk(body: ast.expr, *names: str) -> ast.Lambda:
    arguments = ast.arguments(
        posonlyargs=[], args=[ast.arg(n) for n in names], kwonlyargs=[], kw_defaults=[], defaults=[]
    )
    return ast.Lambda(arguments, body)


def _like(new: Any, old: ast.AST) -> Any:
    origin = anno.getanno(old, anno.Basic.ORIGIN, default=None)
    for node in ast.walk(new):
        if not hasattr(node, "lineno"):
            ast.copy_location(node, old)
        if origin is not None and not anno.hasanno(node, anno.Basic.ORIGIN):
            anno.setanno(node, anno.Basic.ORIGIN, origin)
    return new


def _load(target: Any) -> Any:
    """The same place, read."""
    if isinstance(target, ast.Name):
        return ast.Name(target.id, ast.Load())
    if isinstance(target, ast.Attribute):
        return ast.Attribute(_load(target.value), target.attr, ast.Load())
    if isinstance(target, ast.Subscript):
        return ast.Subscript(_load(target.value), target.slice, ast.Load())
    if isinstance(target, ast.Constant):
        return ast.Constant(target.value)
    return target


def _simple(node: ast.AST) -> bool:
    """Whether it can be evaluated twice."""
    if isinstance(node, ast.Attribute):
        return _simple(node.value)
    if isinstance(node, ast.Subscript):
        return _simple(node.value) and _simple(node.slice)
    if isinstance(node, ast.UnaryOp | ast.BinOp | ast.Slice | ast.Tuple):
        return all(_simple(c) for c in ast.iter_child_nodes(node))
    return isinstance(node, ast.Name | ast.Constant | ast.expr_context | ast.operator | ast.unaryop)


class _Before(ast.NodeTransformer):
    def __init__(self, owner: str) -> None:
        self.owner = owner.lstrip("_")

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        if self.owner and node.attr.startswith("__") and not node.attr.endswith("__"):
            node.attr = f"_{self.owner}{node.attr}"
        return node

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        self.generic_visit(node)
        message = node.msg or ast.Constant(None)
        call = _op("assert_", _thunk(node.test), _thunk(message), ast.Constant(ast.unparse(node.test)))
        return _like(ast.Expr(call), node)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        self.generic_visit(node)
        parts: list[ast.expr] = []
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                spec = part.format_spec or ast.Constant("")
                parts.append(ast.Tuple([part.value, ast.Constant(part.conversion), spec], ast.Load()))
            else:
                parts.append(part)
        return _like(_op("fstring", *parts), node)

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.target, ast.Name) or not _simple(node.target):
            return node
        name = type(node.op).__name__.lower()
        value = _op("update", ast.Constant(name), _load(node.target), node.value)
        return _like(ast.Assign([node.target], value), node)

    def visit_While(self, node: ast.While) -> Any:
        if _named(node.test) and not node.orelse:
            leave = ast.If(ast.UnaryOp(ast.Not(), node.test), [ast.Break()], [])
            new = _like(ast.While(ast.Constant(True), [_like(leave, node), *node.body], []), node)
            return self.generic_visit(new)
        return self.generic_visit(node)

    def visit_If(self, node: ast.If) -> Any:
        self.generic_visit(node)
        first = _first(node.test)
        if not isinstance(first, ast.NamedExpr):
            return node
        before = _like(ast.Assign([ast.Name(first.target.id, ast.Store())], first.value), node)
        node.test = _Replace(first).visit(node.test)
        return [before, node]

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> ast.AST:
        return self._comprehension(node, "generator")

    def visit_ListComp(self, node: ast.ListComp) -> ast.AST:
        return self._comprehension(node, "comprehension")

    def _comprehension(self, node: Any, name: str) -> ast.AST:
        self.generic_visit(node)
        first = node.generators[0]
        if (
            len(node.generators) > 1
            or first.is_async
            or any(isinstance(n, ast.NamedExpr) for n in ast.walk(node))
        ):
            return node
        names = _names(first.target)
        if names is None:
            return node
        conditions = first.ifs
        test: ast.expr = ast.Constant(None)
        if conditions:
            joined = conditions[0] if len(conditions) == 1 else ast.BoolOp(ast.And(), conditions)
            test = _thunk(joined, *names)
        unpack = ast.Constant(isinstance(first.target, ast.Tuple | ast.List))
        return _like(_op(name, first.iter, _thunk(node.elt, *names), test, unpack), node)


def _named(node: ast.AST) -> bool:
    return any(isinstance(n, ast.NamedExpr) for n in ast.walk(node))


def _first(node: ast.AST) -> ast.AST:
    """What is evaluated first in a test."""
    while True:
        if isinstance(node, ast.UnaryOp):
            node = node.operand
        elif isinstance(node, ast.Compare | ast.BinOp):
            node = node.left
        elif isinstance(node, ast.BoolOp):
            node = node.values[0]
        else:
            return node


class _Replace(ast.NodeTransformer):
    def __init__(self, node: ast.NamedExpr) -> None:
        self.node = node

    def visit_NamedExpr(self, node: ast.NamedExpr) -> ast.AST:
        return ast.Name(node.target.id, ast.Load()) if node is self.node else node


def _names(target: ast.expr) -> list[str] | None:
    if isinstance(target, ast.Name):
        return [target.id]
    if isinstance(target, ast.Tuple | ast.List) and all(isinstance(t, ast.Name) for t in target.elts):
        names = [t.id for t in target.elts if isinstance(t, ast.Name)]
        return names if len(set(names)) == len(names) else None
    return None


STACKING = {"stack", "array", "asarray"}


class _After(ast.NodeTransformer):
    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if isinstance(node.value, ast.Name) and node.value.id == "ag__":
            return node
        if isinstance(node.ctx, ast.Load):
            value = self._unread(node.value) if node.attr == "append" else self.visit(node.value)
            return _like(_op("attribute", value, ast.Constant(node.attr)), node)
        node.value = _like(_op("owner", self._unread(node.value)), node)
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        node.slice = self.visit(node.slice)
        if isinstance(node.ctx, ast.Load):
            return _like(_op("item", self.visit(node.value), _slice(node.slice)), node)
        node.value = _like(_op("owner", self._unread(node.value)), node)
        return node

    def _unread(self, node: Any) -> ast.expr:
        """A list or dict that is only written to: what it holds need not be known."""
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "ag__.ld":
            return node.args[0]
        if isinstance(node, ast.Attribute) and not (
            isinstance(node.value, ast.Name) and node.value.id == "ag__"
        ):
            return _like(_op("reference", self.visit(node.value), ast.Constant(node.attr)), node)
        return self.visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        function = node.func
        if isinstance(function, ast.Attribute) and ast.unparse(function) == "ag__.converted_call":
            self._stacking(node)
        return self.generic_visit(node)

    def _stacking(self, node: ast.Call) -> None:
        """`jnp.stack(items)` takes what a loop has stacked as it is: no list of slices in between."""
        called, arguments = node.args[0], node.args[1]
        if not (isinstance(called, ast.Attribute) and called.attr in STACKING):
            return
        if isinstance(arguments, ast.Tuple) and arguments.elts:
            first = arguments.elts[0]
            if isinstance(first, ast.Call) and ast.unparse(first.func) == "ag__.ld":
                arguments.elts[0] = first.args[0]


def _slice(index: ast.expr) -> ast.expr:
    if isinstance(index, ast.Slice):
        ends = [e or ast.Constant(None) for e in (index.lower, index.upper, index.step)]
        return ast.Call(ast.Attribute(ast.Name("ag__", ast.Load()), "slice", ast.Load()), ends, [])
    if isinstance(index, ast.Tuple):
        return ast.Tuple([_slice(e) for e in index.elts], ast.Load())
    return index
