"""A tree as data: made from nested lists or from bracketed text, and written as such text again."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from antiphon.errors import InputError

Value = str | tuple[float, ...] | None

_TOKEN = re.compile(r'\s*(?:([()])|("(?:[^"\\]|\\.)*")|(\[[^\[\]]*\])|([^\s()\[\]"]+))')
_PLAIN = re.compile(r'[^\s()\[\]"]+')


class Tree:
    """A rooted tree whose nodes have ordered children and a value. It never changes.

    Args:
        value: A word (str), a number or vector of numbers (kept as a tuple of float), or None.
        children: The subtrees, from left to right; none for a leaf.

    Raises:
        InputError: If the value is of another kind or not finite, or a child is no tree.

    Example:
        >>> tree = Tree("S", (Tree("NP", (Tree("a"),)), Tree("VP", (Tree("b"),))))
        >>> print(tree, len(tree), tree.height, tree.arity)
        (S (NP a) (VP b)) 5 2 2
    """

    __slots__ = ("__dict__", "children", "value")
    value: Value
    children: tuple[Tree, ...]

    def __init__(self, value: Any = None, children: Sequence[Tree] = ()) -> None:
        self.value = _value(value)
        self.children = tuple(children)
        for child in self.children:
            if not isinstance(child, Tree):
                raise InputError(
                    f"A child of type {type(child).__name__}.",
                    "Trees as children.",
                    "Use Tree.from_nested for nested lists, or parse_tree for text.",
                )

    @classmethod
    def from_nested(cls, nested: Any, *, labelled: bool = True) -> Tree:
        """A tree from nested lists or tuples.

        Args:
            nested: A value (a leaf), or a list or tuple of such. NumPy arrays are values.
            labelled: Whether a list starts with the value of its own node, where that is not itself a list:
                `["S", ["NP", "a"]]`. If not, every item is a child and inner nodes have no value.

        Raises:
            InputError: If a list is empty or a value is of another kind.

        Example:
            >>> print(Tree.from_nested(["S", ["NP", "a"], ["VP", "b"]]))
            (S (NP a) (VP b))
            >>> print(Tree.from_nested((("a", "b"), "c"), labelled=False))
            ((_ a b) c)
        """
        # A list on the stack is opened; a pair (value, count) says that so many trees are made one.
        stack: list[tuple[bool, Any]] = [(False, nested)]
        done: list[Tree] = []
        while stack:
            closes, item = stack.pop()
            if closes:
                value, count = item
                done[len(done) - count :] = [cls(value, done[len(done) - count :])]
            elif isinstance(item, list | tuple):
                if not len(item):
                    raise InputError("An empty list in a tree.", "A value, children or both.")
                own = labelled and not isinstance(item[0], list | tuple)
                rest = item[1:] if own else item
                stack.append((True, (item[0] if own else None, len(rest))))
                stack.extend((False, part) for part in reversed(rest))
            else:
                done.append(cls(item))
        return done[0]

    @cached_property
    def _postorder(self) -> tuple[Tree, ...]:
        found: list[Tree] = []
        stack: list[Tree] = [self]
        while stack:  # root first and right to left, then turned round; no recursion, so of any depth
            node = stack.pop()
            found.append(node)
            stack.extend(node.children)
        return tuple(reversed(found))

    def postorder(self) -> tuple[Tree, ...]:
        """All nodes, each after its children, from left to right; the root is last."""
        return self._postorder

    def __len__(self) -> int:
        return len(self._postorder)

    @property
    def is_leaf(self) -> bool:
        """Whether it has no children."""
        return not self.children

    @cached_property
    def height(self) -> int:
        """The edges on the longest way down to a leaf: 0 for a leaf."""
        heights: list[int] = []
        for node in self._postorder:
            count = len(node.children)
            below = heights[len(heights) - count :] if count else [-1]
            heights[len(heights) - count :] = [1 + max(below)]
        return heights[0]

    @cached_property
    def arity(self) -> int:
        """The largest number of children of a node."""
        return max(len(node.children) for node in self._postorder)

    def leaves(self) -> tuple[Tree, ...]:
        """The leaves from left to right.

        Example:
            >>> [leaf.value for leaf in parse_tree("(S (NP a) (VP b c))").leaves()]
            ['a', 'b', 'c']
        """
        return tuple(node for node in self._postorder if node.is_leaf)

    def fold(self, function: Callable[[Value, tuple[Any, ...]], Any]) -> Any:
        """What a function makes of the tree, from the leaves up.

        Args:
            function: Takes the value of a node and the results of its children.

        Example:
            >>> parse_tree("(+ 1 (+ 2 3))").fold(lambda v, below: sum(below) if below else int(v))
            6
        """
        done: list[Any] = []
        for node in self._postorder:
            count = len(node.children)
            below = tuple(done[len(done) - count :]) if count else ()
            done[len(done) - count :] = [function(node.value, below)]
        return done[0]

    def map(self, function: Callable[[Value], Any]) -> Tree:
        """The tree of this shape whose values are those of a function.

        Example:
            >>> print(parse_tree("(s a b)").map(str.upper))
            (S A B)
        """
        return self.fold(lambda value, below: Tree(function(value), below))

    def binary(self) -> Tree:
        """The tree with two children at every inner node, read from the left.

        A node with more becomes nested pairs, of which only the outermost has its value; one with a single
        child becomes that child.

        Example:
            >>> print(parse_tree("(s (np a) b c)").binary())
            (s (_ a b) c)
        """

        def pair(value: Value, below: tuple[Tree, ...]) -> Tree:
            if len(below) < 2:
                return below[0] if below else Tree(value)
            *others, last = below
            left = others[0]
            for tree in others[1:]:
                left = Tree(None, (left, tree))
            return Tree(value, (left, last))

        return self.fold(pair)

    def _shape(self) -> tuple[tuple[Value, int], ...]:
        return tuple((node.value, len(node.children)) for node in self._postorder)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tree) and self._shape() == other._shape()

    def __hash__(self) -> int:
        return hash(self._shape())

    def __str__(self) -> str:
        return self.fold(_text)

    def __repr__(self) -> str:
        return f"parse_tree({str(self)!r})"

    def __reduce__(self) -> tuple:
        return parse_tree, (str(self),)


def parse_tree(text: str) -> Tree:
    """Read a tree from bracketed text, as treebanks have it; `str(tree)` writes what reads back as the same.

    Args:
        text: `(S (NP a) (VP b))`: in brackets the value of a node and its children, where a word alone is a
            leaf. A node without a value starts with its first child, or with `_` where that is a leaf. A
            value with blanks or brackets stands in double quotes, one of numbers as `[1.5, 2]`.

    Raises:
        InputError: If the text is no tree, with the place.

    Example:
        >>> parse_tree("(S (NP a) (VP b))").leaves()
        (parse_tree('a'), parse_tree('b'))
    """
    at, done, end = 0, False, len(text.rstrip())
    values: list[Any] = []
    parts: list[list[Tree]] = [[]]
    while at < end:
        found = _TOKEN.match(text, at)
        if not found or done:
            raise _wrong(
                text, at, f"{text[at:].split()[0]!r} there", "one tree" if done else "a bracket or a value"
            )
        mark = found[1]
        if mark == "(":
            at = found.end()
            head = _TOKEN.match(text, at)
            if head and not head[1]:
                values.append(_read(text, head))
                at = head.end()
            else:
                values.append(None)
            parts.append([])
            if head and head[1] == ")":
                raise _wrong(text, head.start(1), "an empty pair of brackets", "a value, children or both")
            continue
        if mark == ")":
            if not values:
                raise _wrong(text, found.start(1), "')' that closes nothing", "a tree")
            node = Tree(values.pop(), parts.pop())
        else:
            node = Tree(_read(text, found))
        parts[-1].append(node)
        at, done = found.end(), not values
    if not done:
        raise _wrong(text, end, "the end of the text", "')'" if values else "a tree")
    return parts[0][0]


def _read(text: str, token: re.Match[str]) -> Value:
    try:
        if token[2]:
            return json.loads(token[2])
        if token[3]:
            return tuple(float(n) for n in token[3][1:-1].replace(",", " ").split()) or _empty()
    except ValueError:
        raise _wrong(
            text, token.start(2) if token[2] else token.start(3), token[0].strip(), "a value"
        ) from None
    return None if token[4] == "_" else token[4]


def _empty() -> tuple[float, ...]:
    raise ValueError


def _wrong(text: str, at: int, got: str, expected: str) -> InputError:
    return InputError(
        f"In the text of a tree, at column {at + 1}: {got}. The text is {text[:80]!r}.",
        f"{expected[0].upper()}{expected[1:]}.",
        "Write a tree as (S (NP a) (VP b)); put values with brackets or blanks in double quotes.",
    )


def _value(value: Any) -> Value:
    if value is None or isinstance(value, str):
        return value
    try:
        numbers = np.asarray(value, np.float64).reshape(-1)
    except (TypeError, ValueError):
        numbers = np.empty(0)
    if not numbers.size or not np.isfinite(numbers).all():
        raise InputError(
            f"The value {value!r} of a node.", "A word, a number, a vector of finite numbers, or None."
        )
    return tuple(numbers.tolist())


def _word(value: Value) -> str:
    if value is None:
        return "_"
    if isinstance(value, tuple):
        return "[" + ", ".join(map(repr, value)) + "]"
    return value if _PLAIN.fullmatch(value) and value != "_" else json.dumps(value)


def _text(value: Value, below: tuple[str, ...]) -> str:
    if not below:
        return _word(value)
    head = [] if value is None and below[0].startswith("(") else [_word(value)]
    return "(" + " ".join([*head, *below]) + ")"


def trees_of(items: Iterator[Any] | Sequence[Any]) -> list[Tree]:
    """Trees as they come: `Tree`, bracketed text, or nested lists whose first item is the node's value."""
    if isinstance(items, str | Tree):
        raise InputError("One tree.", "A list of trees.", "Put it in a list.")
    return [
        item
        if isinstance(item, Tree)
        else parse_tree(item)
        if isinstance(item, str)
        else Tree.from_nested(item)
        for item in items
    ]
