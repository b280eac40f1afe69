"""One learned program, through the command, for all tests of the command."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import antiphon as package

COMMAND = [sys.executable, "-c", "from antiphon.cli import main; main()"]
LEARN = ("learn", "planted-speed", "--candidates", "12", "--seed", "3")  # a few seconds


@dataclass(frozen=True)
class Ended:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str


def environment(tmp):
    """The environment of a user who has set nothing, with a cache of compiled functions of our own."""
    kept = {k: v for k, v in os.environ.items() if k not in ("XLA_FLAGS", "JAX_PLATFORMS")}
    source = Path(package.__file__).parents[1]
    return {
        **kept,
        "PYTHONPATH": str(source),
        "JAX_PLATFORMS": "cpu",
        "XDG_CACHE_HOME": str(tmp),
        "COLUMNS": "100",
    }


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def start(cache):
    """Start the command in a folder; gives the process."""

    def run(*arguments, cwd):
        return subprocess.Popen(
            [*COMMAND, *map(str, arguments)], cwd=cwd, env=environment(cache), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    return run


@pytest.fixture(scope="session")
def antiphon(start, tmp_path_factory):
    """Run the command to its end in a folder of its own, or in the one given."""

    def run(*arguments, cwd=None):
        process = start(*arguments, cwd=cwd or tmp_path_factory.mktemp("cwd"))
        out, err = process.communicate(timeout=300)
        return Ended(process.returncode, out, err)

    return run


@pytest.fixture(scope="session")
def learned(antiphon, tmp_path_factory):
    """A folder in which `antiphon learn` has run, and what it printed."""
    folder = tmp_path_factory.mktemp("learned")
    ended = antiphon(*LEARN, "--json", "figures.json", cwd=folder)
    assert ended.code == 0, ended.err
    return folder, ended


@pytest.fixture
def learn():
    return LEARN


@pytest.fixture
def model(learned) -> Path:
    return learned[0] / "runs" / "planted-speed" / "program.antiphon"
