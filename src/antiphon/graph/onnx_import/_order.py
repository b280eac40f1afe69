"""The order of nodes: each after those whose outputs it reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet

from antiphon.errors import ImportedModelError
from antiphon.graph.onnx_import._program import Body, Node


def free_names(body: Body) -> set[str]:
    """The names that a nested graph reads from those around it."""
    own = {*body.inputs, *body.constants, *(o for node in body.nodes for o in node.outputs)}
    return ({name for node in body.nodes for name in reads(node)} | set(body.outputs)) - own


def reads(node: Node) -> Iterator[str]:
    """All that a node needs: its inputs, and what its nested graphs see around them."""
    yield from filter(None, node.inputs)
    for value in node.attributes.values():
        for body in value if isinstance(value, tuple) else (value,):
            if isinstance(body, Body):
                yield from free_names(body)


def in_order(nodes: Sequence[Node], computed: AbstractSet[str], seen: AbstractSet[str]) -> list[Node]:
    """The nodes, each after those it reads from, else as they stand.

    Args:
        nodes: Of one graph.
        computed: Names that they define.
        seen: All names that they may read.

    Raises:
        ImportedModelError: A name that nothing gives (such as a weight left out), or nodes in a circle.
    """
    needs: list[set[str]] = []
    for node in nodes:
        names = set(reads(node))
        for name in sorted(names - seen):
            raise ImportedModelError(
                f"{node} reads {name!r}, which is no input, no initialiser and no output of another node.",
                "a model with all its weights.",
                "Export it again, with its parameters.",
            )
        needs.append(names & computed)
    readers: dict[str, list[int]] = {}
    for place, names in enumerate(needs):
        for name in names:
            readers.setdefault(name, []).append(place)
    ready = [place for place, names in enumerate(needs) if not names]
    ready.reverse()
    ordered: list[Node] = []
    while ready:
        place = ready.pop()
        ordered.append(nodes[place])
        for name in nodes[place].outputs:
            for reader in readers.pop(name, []) if name else []:
                needs[reader].discard(name)
                if not needs[reader]:
                    ready.append(reader)
    if len(ordered) < len(nodes):
        caught = [f"{n.name!r}" for n, names in zip(nodes, needs, strict=True) if names]
        raise ImportedModelError(
            f"nodes that wait for each other: {', '.join(caught[:8])}{' ...' if len(caught) > 8 else ''}.",
            "a graph without cycles.",
        )
    return ordered
