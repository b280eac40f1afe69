"""Settings of Sphinx: `pip install '.[docs]'`, then `sphinx-build -W docs docs/_build`."""

from importlib.metadata import version as installed

project = "Antiphon"
author = "The Antiphon developers"
copyright = "The Antiphon developers"
version = release = installed("antiphon")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3
autodoc_typehints = "none"
napoleon_google_docstring = True
exclude_patterns = ["_build"]
suppress_warnings = ["misc.highlighting_failure"]  # programs and messages are no known language
html_theme = "alabaster"
html_static_path: list[str] = []
