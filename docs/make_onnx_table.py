"""Write the table of operators in onnx.md, from the table of rules that imports run by."""

from pathlib import Path

from antiphon.graph.onnx_import import supported_operators

PAGE = Path(__file__).with_name("onnx.md")
START, END = "<!-- operators: written by make_onnx_table.py -->\n", "<!-- end of operators -->\n"


def table() -> str:
    """A line for each initial letter: operators with the versions that are known."""
    lines: dict[str, list[str]] = {}
    for op, (first, last) in supported_operators().items():
        lines.setdefault(op[0], []).append(f"{op} {first}–{last}" if first < last else f"{op} {first}")
    return "".join(
        [
            "| | operator and versions |\n|---|---|\n",
            *(f"| {k} | {', '.join(v)} |\n" for k, v in lines.items()),
        ]
    )


def page(text: str) -> str:
    """The page with its table renewed."""
    before, rest = text.split(START)
    return before + START + table() + END + rest.split(END)[1]


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")
