"""Tables of a suite, read from run folders only: `render` for `ganbench report`, `show.show` for `ganbench show`."""

from ganbench.report.formats import FORMATS, only_suite, publish, render
from ganbench.report.model import versus

__all__ = ["FORMATS", "only_suite", "publish", "render", "versus"]
