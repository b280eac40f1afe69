import runpy
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.skipif(not DOCS.is_dir(), reason="the documentation is not here")
def test_the_page_is_what_the_catalogue_says():
    made = runpy.run_path(str(DOCS / "make_catalogue.py"))["page"]()
    assert (DOCS / "catalogue.md").read_text("utf-8") == made, "run docs/make_catalogue.py"
