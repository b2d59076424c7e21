"""The documentation site. `nox -s docs` builds it: the source folder is the repository, so that all links are files."""

import re
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.resolve()))

from generate import fill
from sphinx.application import Sphinx

import ganbench

project = "ganbench"
author = "The ganbench contributors"
release = version = ganbench.__version__
root_doc = "docs/index"
include_patterns = [
    "docs/**",
    "*.md",
    "results/published/README.md",
    "results/published/*/report.md",
    "benchmarks/README.md",
]
exclude_patterns = ["docs/examples/**"]
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx_click"]

myst_heading_anchors = 4
suppress_warnings = ["myst.header"]  # the tables of a published report are headings of level 3 below one of level 1
default_role = "literal"  # docstrings write code in single backticks
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_use_type_comments = False
python_use_unqualified_type_names = True
maximum_signature_line_length = 90

html_theme = "furo"
html_title = "ganbench"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_extra_path = ["redirect"]  # the root of the site leads to its index
html_show_sourcelink = False
html_copy_source = False


def setup(app: Sphinx) -> None:
    """Fill the generated parts of each page before it is read; docstrings are plain text with code in backticks."""
    app.connect("source-read", lambda _, __, source: source.__setitem__(0, fill(source[0])))
    app.connect("autodoc-process-docstring", replace_docstring)


def replace_docstring(*event: Any) -> None:
    """The docstring of the package is on the page already; the others are plain text."""
    lines = event[-1]
    lines[:] = [] if event[1] == "module" else plain(lines)


def plain(lines: list[str]) -> list[str]:
    """The lines of a docstring whose `*` and `|` outside code are no markup."""
    return [re.sub(r"(`[^`]*`)|([*|])", lambda found: found[1] or f"\\{found[2]}", line) for line in lines]
