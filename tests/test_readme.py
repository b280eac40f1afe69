"""The README: short, and true."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import antiphon

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")


def blocks(language):
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.M | re.S)
    return [text for name, text in fenced if name == language]


def run(code, folder):
    """Run it as a reader would, in a process of its own and an empty folder; gives what it printed."""
    environment = {**os.environ, "PYTHONPATH": str(Path(antiphon.__file__).parents[1])}
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_it_is_short():
    assert len(README.split()) <= 400


def test_the_quickstart_is_at_most_twelve_lines():
    (quickstart,) = blocks("python")
    assert len(quickstart.splitlines()) <= 12


def test_the_quickstart_runs(tmp_path):
    """With a few candidates only; nothing else is changed."""
    (quickstart,) = blocks("python")
    few = quickstart.replace("random_state=0", "random_state=0, candidates=6")
    assert few != quickstart
    assert "output classes [1, 2, 3, 4, 5, 6, 7, 8, 9]" in run(few, tmp_path)
    assert (tmp_path / "vowels.antiphon").exists()


@pytest.mark.slow
def test_the_quickstart_runs_as_it_stands(tmp_path):
    (quickstart,) = blocks("python")
    run(quickstart, tmp_path)


def test_every_picture_and_page_that_it_names_is_there():
    for path in re.findall(r"\]\(((?!http)[^)#]+)\)", README):
        assert (ROOT / path).exists(), path


def test_the_commands_exist():
    from typer.main import get_command

    from antiphon.cli import app

    known = set(get_command(app).commands)
    used = set(re.findall(r"(?:^|/)antiphon (\w+)", "\n".join(blocks("")), re.M))
    assert used
    assert used <= known
