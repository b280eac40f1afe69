"""Strategies and the functions of programs are shared with the tests of the language."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parents[2] / "language"))
sys.path.insert(0, str(Path(__file__).parent))
