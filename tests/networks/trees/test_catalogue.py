"""The page about trees: its code runs as it stands, in order; and the rows of the catalogue."""

import re
from pathlib import Path

import numpy as np
import pytest

from antiphon.networks import trees
from antiphon.networks._entry import KINDS
from antiphon.networks.trees._catalogue import ENTRIES

PAGE = (Path(__file__).parents[3] / "docs" / "trees.md").read_text("utf-8")


def test_rows_of_the_catalogue_are_complete():
    # That each example runs, and that its graph is the network, a test of the whole catalogue holds.
    assert {entry.kind for entry in ENTRIES} == {"recursive"} <= set(KINDS)
    assert all(entry.reference and entry.no_hole for entry in ENTRIES)


def blocks():
    return re.findall(r"^```python\n(.*?)^```$", PAGE, re.M | re.S)


@pytest.mark.slow
def test_the_page_runs():
    names = {}
    for block in blocks()[:-1]:
        exec(compile(block, "trees.md", "exec"), names)
    assert names["tree"] == names["same"]
    assert names["counted"] == len(names["tree"]) == 6
    assert names["at_roots"].shape[1] == names["at_nodes"].shape[2] == 2
    assert names["merged"].leaves()[0].value == tuple(names["vectors"][0].astype(np.float32).tolist())
    assert float(names["losses"].sum()) > 0
    assert names["accuracy"] > 0.9
    assert names["said"].tolist() == ["yes", "no", "yes"]


@pytest.mark.slow
def test_the_page_finds_a_program():
    names = {}
    for block in blocks():
        exec(compile(block, "trees.md", "exec"), names)
    assert names["found"] > 0.7


def test_the_page_names_what_is_public():
    for name in trees.__all__:
        assert name in PAGE or name in ("BOOLEAN", "LIST", "pack_batches")
