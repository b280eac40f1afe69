"""A graph as a picture, in the language of Graphviz."""

from __future__ import annotations

from itertools import count

from antiphon.graph._graph import Graph, Literal, Value
from antiphon.graph._text import array_text, type_text


def dot_text(graph: Graph) -> str:
    """See `Graph.to_dot`."""
    numbers = count()
    lines = [
        f'digraph "{_escaped(graph.name or "f")}" {{',
        '  rankdir=TB; node [shape=box, fontname="Helvetica"];',
    ]
    nodes = _nodes(graph, numbers, lines, "  ", {})
    lines.append('  out [label="gives", shape=plaintext];')
    lines += [f"  {nodes[atom]} -> out;" for atom in graph.outputs if isinstance(atom, Value)]
    return "\n".join([*lines, "}"])


def _nodes(
    graph: Graph, numbers: count[int], lines: list[str], indent: str, nodes: dict[Value, str]
) -> dict[Value, str]:
    for value in graph.inputs:
        nodes[value] = f"n{next(numbers)}"
        lines.append(
            f'{indent}{nodes[value]} [label="{_escaped(value.name)}: {type_text(value)}", shape=ellipse];'
        )
    for value in graph.constants:
        nodes[value] = f"n{next(numbers)}"
        lines.append(
            f'{indent}{nodes[value]} [label="{_escaped(value.name)}: {type_text(value)}", shape=note];'
        )
    for equation in graph.equations:
        node = f"n{next(numbers)}"
        shapes = ", ".join(type_text(v) for v in equation.outputs)
        written = [array_text(a.value) for a in equation.inputs if isinstance(a, Literal)]
        label = " ".join([equation.primitive, *written])
        lines.append(f'{indent}{node} [label="{_escaped(label)}\\n{shapes}"];')
        lines += [f"{indent}{nodes[atom]} -> {node};" for atom in equation.inputs if isinstance(atom, Value)]
        for body in equation.bodies:
            lines.append(f"{indent}subgraph cluster_{next(numbers)} {{")
            lines.append(f'{indent}  label="{_escaped(body.name or equation.primitive)}"; style=rounded;')
            inner = _nodes(body, numbers, lines, indent + "  ", {})
            lines.append(f"{indent}}}")
            ends = {inner[atom] for atom in body.outputs if isinstance(atom, Value)}
            lines += [f"{indent}{end} -> {node} [style=dashed];" for end in sorted(ends)]
        nodes.update(dict.fromkeys(equation.outputs, node))
    return nodes


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
