"""Functions that call themselves: on numbers, on values, on trees of data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from imperative._case import registers
from imperative.control_flow import BIG, ONE, UP
from imperative.loops import WEIGHT, whole

case = registers("dynamic control flow")


@dataclass
class Node:
    """A binary tree with words at its leaves."""

    word: Any = None
    left: Any = None
    right: Any = None


class Branch(NamedTuple):
    """A tree with any number of children."""

    value: Any
    children: tuple = ()


@dataclass
class Many:
    """As Branch, a class with a list."""

    value: Any
    children: list = field(default_factory=list)


def word(i):
    return np.array([i, 0.5 * i, -1.0], np.float32) / 4


SMALL = Node(left=Node(word=word(1)), right=Node(word=word(2)))
DEEP = Node(left=SMALL, right=Node(left=Node(word=word(3)), right=SMALL))
TWO_KINDS = Many(word(1), [Many(word(2)), Many(word(3), [Many(word(4)), Many(word(5)), Many(word(6))])])


@case(calls=[(3, ONE), (0, ONE), (5, BIG)], grad=(1,))
def recursion_on_a_number(xp):
    def power(n, x):
        if n == 0:
            return x * 0 + 1
        return x * power(n - 1, x)

    return power


@case(calls=[(whole(4),), (whole(1),), (whole(6),)])
def recursion_on_a_value(xp):
    def factorial(n):
        if n <= 1:
            return n * 0 + 1
        return n * factorial(n - 1)

    return factorial


@case(calls=[(4, ONE), (5, ONE), (0, BIG)])
def mutual_recursion(xp):
    def even(n, x):
        if n == 0:
            return x * 2
        return odd(n - 1, x + 1)

    def odd(n, x):
        if n == 0:
            return -x
        return even(n - 1, x * 0.5)

    return even


@case(calls=[(WEIGHT, SMALL), (WEIGHT, DEEP), (WEIGHT, Node(word=word(3)))], grad=(0,))
def tree_of_objects(xp):
    def encode(weight, node):
        if node.word is not None:
            return xp.tanh(node.word)
        left = encode(weight, node.left)
        right = encode(weight, node.right)
        return xp.tanh(weight @ left + right)

    return encode


@case(
    calls=[
        (WEIGHT, ((word(1), word(2)), word(3))),
        (WEIGHT, (word(1), (word(2), word(3)))),
        (WEIGHT, word(4)),
    ],
    grad=(0, 1),
)
def tree_of_tuples(xp):
    def encode(weight, tree):
        if isinstance(tree, tuple):
            left, right = tree
            return xp.tanh(weight @ (encode(weight, left) + encode(weight, right)))
        return tree * 2

    return encode


@case(
    calls=[(WEIGHT, TWO_KINDS), (WEIGHT, Many(word(1))), (WEIGHT, Many(word(1), [TWO_KINDS, TWO_KINDS]))],
    grad=(0,),
)
def tree_of_any_arity(xp):
    def encode(weight, node):
        total = xp.zeros((3,))
        for child in node.children:
            total = total + encode(weight, child)
        return xp.tanh(weight @ total + node.value)

    return encode


@case(calls=[(Branch(UP, (Branch(UP * 2), Branch(UP))),), (Branch(UP),), (Branch(UP, (Branch(UP),) * 3),)])
def tree_with_two_results(xp):
    def summary(tree):
        if not tree.children:
            return xp.sum(tree.value), tree.value * 0 + 1
        best, spread = xp.sum(tree.value), tree.value
        for child in tree.children:
            b, s = summary(child)
            best = xp.maximum(best, b)
            spread = spread + s
        return best, spread

    return summary


@case(calls=[(WEIGHT, DEEP), (WEIGHT, SMALL)], grad=(0,))
def tree_with_a_condition_on_values(xp):
    def encode(weight, node):
        if node.word is not None:
            return node.word
        left = encode(weight, node.left)
        right = encode(weight, node.right)
        if xp.sum(left) > xp.sum(right):
            return xp.tanh(weight @ left)
        return xp.tanh(weight @ right) + 1

    return encode


@case(calls=[(WEIGHT, TWO_KINDS), (WEIGHT, Many(word(2)))], grad=(0,))
def tree_inside_a_function(xp):
    def encode(weight, node):
        parts = [encode(weight, child) for child in node.children]
        return xp.tanh(weight @ (node.value + sum(parts, xp.zeros((3,)))))

    def f(weight, node):
        state = encode(weight, node)
        if xp.sum(state) > 0:
            return state * 2
        return state

    return f
