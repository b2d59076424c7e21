"""Tables of a suite, read from run folders only: `render` for `ganbench report`, `show.show` for `ganbench show`."""

from ganbench.report import versus
from ganbench.report.formats import FORMATS, only_suite, publish, render

__all__ = ["FORMATS", "only_suite", "publish", "render", "versus"]
