"""The command, in a process of its own or in this one, and one learned program for all tests."""

import contextlib
import io
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import antiphon as package
from antiphon import cli

COMMAND = [sys.executable, "-c", "from antiphon.cli import main; main()"]
LEARN = ("learn", "planted-speed", "--candidates", "12", "--seed", "3")  # a few seconds


@dataclass(frozen=True)
class Ended:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str


@pytest.fixture(scope="session")
def start(tmp_path_factory):
    """Start the command in a process of its own, in a folder; gives the process."""
    cache = tmp_path_factory.mktemp("cache")  # what is compiled is not kept in the home of who runs tests

    def run(*arguments, cwd, **more):
        kept = {k: v for k, v in os.environ.items() if k != "XLA_FLAGS"}
        source = str(Path(package.__file__).parents[1])
        return subprocess.Popen(
            [*COMMAND, *map(str, arguments)],
            cwd=cwd,
            env={**kept, "PYTHONPATH": source, "XDG_CACHE_HOME": str(cache), "COLUMNS": "100"},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            **more,
        )

    return run


@pytest.fixture(scope="session")
def fresh(start, tmp_path_factory):
    """Run the command to its end in a process of its own."""

    def run(*arguments, cwd=None):
        process = start(*arguments, cwd=cwd or tmp_path_factory.mktemp("cwd"))
        out, err = process.communicate(timeout=300)
        return Ended(process.returncode, out, err)

    return run


@pytest.fixture
def antiphon(monkeypatch, tmp_path):
    """Run the command to its end in this process, which is faster."""
    for module in ("_data", "_learn", "_listen", "_use"):
        monkeypatch.setattr(f"antiphon.cli.{module}.configure", lambda: None)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["antiphon", *map(str, arguments)])
        monkeypatch.chdir(tmp_path)
        out, err, code = io.StringIO(), io.StringIO(), 0
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                cli.main()
            except SystemExit as ended:
                code = ended.code or 0
        return Ended(code, out.getvalue(), err.getvalue())

    return run


@pytest.fixture(scope="session")
def learned(fresh, tmp_path_factory):
    """A folder in which `antiphon learn` has run, and what it printed."""
    folder = tmp_path_factory.mktemp("learned")
    ended = fresh(*LEARN, "--json", "figures.json", cwd=folder)
    assert ended.code == 0, ended.err
    return folder, ended


@pytest.fixture
def learn():
    return LEARN


@pytest.fixture
def model(learned):
    return learned[0] / "runs" / "planted-speed" / "program.antiphon"
