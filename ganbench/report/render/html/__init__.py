"""A report as one self-contained page: no network, no fonts, no library; it opens from a mail or a USB stick."""

from ganbench.report.render.html.page import draw

__all__ = ["draw"]
