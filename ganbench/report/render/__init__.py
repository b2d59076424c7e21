"""Renderers that draw a document: markdown, LaTeX, HTML and figures."""
