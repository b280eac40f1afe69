"""The table of docs/conformance.md: what hybridize, `jax.jit` alone and `torch.compile` do on each case.

The cases and the judge are those of tests/graph/conformance. A case is right where values, errors, prints and
state of all its calls are those of plain Python. `--peer` names a Python with PyTorch; without it that column
is left empty. `torch.compile` is asked with the backend "eager": what is compared is what it captures and
guards, and compiling that to C++ would take an hour and change no answer but by rounding.
"""

from __future__ import annotations

import collections
import functools
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

SECONDS = 60  # for one case of `torch.compile`
ROOT = Path(__file__).resolve().parent.parent
SUITE = ROOT / "tests" / "graph" / "conformance"
HEAD = """# Conformance

Small imperative functions, in the three groups of the JANUS paper (Jeong et al., NSDI 2019), each called
several times so that assumptions are made and broken. *Right* means that values, errors, prints and state of
all calls are those of plain Python. Written by `benchmarks/conformance.py --table docs/conformance.md`;
the tests in `tests/graph/conformance` hold the first column, and compare gradients besides. `torch.compile`
runs with the backend "eager", so that only what it captures counts; cases that PyTorch writes otherwise are
left out.

"""


def main() -> None:
    """Run all cases, and write the figures and the table."""
    sys.path.insert(0, str(SUITE))
    if sys.argv[1:] == ["--torch"]:  # In the peer, which has no Antiphon.
        print(json.dumps(torch_outcomes()))
        return
    from _record import arguments, record

    options = arguments(__doc__, peer="", table="")
    own, alone = own_outcomes()
    compiled = peer(options.peer) if options.peer else {}
    rows = [
        (case.group, case.name, own[case.name], alone[case.name], compiled.get(case.name, ""))
        for case in own_cases()
    ]
    figures: dict[str, Any] = {
        column: dict(collections.Counter(row[i] for row in rows))
        for i, column in ((2, "hybridize"), (3, "jax_jit"), (4, "torch_compile"))
    }
    figures["share_converted"] = sum(row[2] == "converted" for row in rows) / len(rows)
    figures["share_right"] = sum(row[2] != "wrong" for row in rows) / len(rows)
    if options.table:
        Path(options.table).write_text(HEAD + table(rows, figures), encoding="utf-8")
    record("conformance", figures, options.json)


def own_cases() -> Any:
    from imperative import CASES

    return CASES


def own_outcomes() -> tuple[dict[str, str], dict[str, str]]:
    """For each case what hybridize does, and what `jax.jit` alone does."""
    import jax
    import jax.numpy as jnp
    from imperative._judge import compare, run

    from antiphon import hybridize

    own, alone = {}, {}
    for case in own_cases():
        _, expected = run(case, jnp, lambda f: f, jnp.asarray)
        hybrid, got = run(case, jnp, hybridize, jnp.asarray)
        fell = any(row.outcome == "fell back" for row in hybrid.explain()) or not hybrid.compilations
        own[case.name] = "wrong" if compare(got, expected) else "runs as Python" if fell else "converted"
        alone[case.name] = judged(case, jnp, jax.jit, jnp.asarray, expected)
    return own, alone


def judged(case: Any, xp: Any, wrap: Any, convert: Any, expected: Any) -> str:
    """Right, refused (an error that plain Python does not raise), or wrong without a word."""
    from imperative._judge import compare, run

    try:
        _, got = run(case, xp, wrap, convert)
    except Exception:
        return "refuses"
    if not compare(got, expected):
        return "right"
    refused = any(g.error and g.error != e.error for g, e in zip(got, expected, strict=True))
    return "refuses" if refused else "wrong"


def torch_outcomes() -> dict[str, str]:
    """The same for `torch.compile`; called in the peer."""
    import torch
    from imperative._judge import run

    found = {}
    compiled = functools.partial(torch.compile, backend="eager")
    for case in own_cases():
        if case.jax_only:
            continue
        try:
            _, expected = run(case, torch, lambda f: f, torch.as_tensor)
        except Exception:
            continue  # A word that PyTorch calls otherwise.
        torch._dynamo.reset()
        late: list[int] = []
        signal.signal(signal.SIGALRM, functools.partial(out_of_time, late))
        signal.alarm(SECONDS)
        outcome = judged(case, torch, compiled, torch.as_tensor, expected)
        signal.alarm(0)
        found[case.name] = f"not ready after {SECONDS} s" if late else outcome
    return found


def out_of_time(late: list[int], signum: int, _: Any) -> None:
    """One case has taken too long: what it does is an error, and noted."""
    late.append(signum)
    raise TimeoutError


def peer(python: str) -> dict[str, str]:
    """What the Python with PyTorch says."""
    done = subprocess.run(
        [python, __file__, "--torch"],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def table(rows: list[tuple[str, ...]], figures: dict[str, Any]) -> str:
    """The rows in Markdown, with the counts before them."""
    lines = []
    for column, counts in figures.items():
        if isinstance(counts, dict) and set(counts) != {""}:
            told = ", ".join(f"{n} {what or 'not compared'}" for what, n in counts.items())
            lines.append(f"- `{column.replace('_', '.')}`: {told}")
    lines += ["", "| group | function | hybridize | jax.jit | torch.compile |", "|---|---|---|---|---|"]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
