"""How a report is drawn: markdown, LaTeX, HTML and figures."""
