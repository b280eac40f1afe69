"""Strategies and the functions of programs are shared with the tests of the language."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parents[2] / "language"))
sys.path.insert(0, str(Path(__file__).parent))

import pytest


@pytest.fixture(scope="session")
def vowels():
    """The text of a program learned from `japanese-vowels`."""
    return (Path(__file__).parent / "vowels.txt").read_text("utf-8")
