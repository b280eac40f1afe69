"""Write `docs/catalogue.md`: the networks of Antiphon, from `antiphon.networks.catalogue()`."""

from pathlib import Path

from antiphon.networks import catalogue

INTRODUCTION = """# The catalogue of networks

Every network of Antiphon, by its kind: what it takes and gives, who published it, and lines that run as they
stand. `antiphon.networks.catalogue()` gives the same as data. Each becomes a graph by `antiphon.graph.trace`;
those with a word fill a hole of a program. This page is written by `docs/make_catalogue.py`.
"""


def page() -> str:
    """The page as Markdown."""
    entries = catalogue()
    lines = [INTRODUCTION, "| Network | Kind | Type | Word for a hole |", "|---|---|---|---|"]
    for entry in entries:
        word = f"`{entry.hole}`" if entry.hole else f"none: {entry.no_hole}"
        lines.append(f"| {entry.name} | {entry.kind} | `{entry.input} -> {entry.output}` | {word} |")
    for entry in entries:
        lines += [
            "",
            f"## {entry.name}",
            "",
            f"{entry.reference}",
            "",
            "```python",
            entry.example.strip(),
            "```",
        ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    Path(__file__).with_name("catalogue.md").write_text(page(), encoding="utf-8")
