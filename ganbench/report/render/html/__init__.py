"""A report as a self-contained HTML page, which needs no network, no fonts and no library."""

from ganbench.report.render.html.page import draw

__all__ = ["draw"]
