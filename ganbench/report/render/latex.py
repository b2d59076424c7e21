"""LaTeX: booktabs tables with caption and label, ready for a paper; what is no table stands in comments."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ganbench.report.model import answers
from ganbench.report.model.notes import notes
from ganbench.report.render import layout
from ganbench.report.render.text import ABSENT, one_line

if TYPE_CHECKING:
    from collections.abc import Collection

    from ganbench.report.model.tables import Report
    from ganbench.report.render.text import Grid

LONG = 40  # characters: a longer text breaks into lines
_ESCAPES = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        '"': "''",  # \textquotedbl is an error without T1 fonts
        "↓": r"$\downarrow$",
        "↑": r"$\uparrow$",
        ABSENT: "--",
    }
    | {character: f"\\{character}" for character in "&%$#_{}"}
)


def draw(report: Report) -> str:
    """Every table of the report. Needs `\\usepackage{array,booktabs,graphicx}`."""
    broken = [f"{failure.runs[0]} (of {len(failure.runs)}): {failure.error}" for failure in report.failures]
    head = [
        f"{report.suite}: {report.about}",
        f"{layout.counts(report)}. Needs \\usepackage{{array,booktabs,graphicx}}.",
        *broken,
    ]
    parts = ["\n".join(_comment(line) for line in (*head, *notes(report)))]
    if report.claims:
        grid = answers.claims_grid(report)
        parts.append("\n".join(_comment(f"claim: {text}") for text in answers.claim_sources(report)))
        parts.append(_table(grid, f"{report.suite}: {grid.title}."))
    for section in report.sections:
        constants = layout.constants(section)
        for grid in answers.section_grids(report, section):
            caption = f"{report.suite} on {section.dataset}: {grid.title}{f' ({constants})' if constants else ''}."
            parts.append(_table(grid, caption))
    for grid in (*answers.tuning_grids(report), *answers.family_grids(report), *answers.factor_grids(report)):
        parts.append(_table(grid, f"{report.suite}: {grid.title}."))
    if report.excluded:
        grid = layout.excluded_grid(report)
        parts.append(_table(grid, f"{report.suite}: {grid.title}."))
    return "\n\n".join(parts)


def escape(text: str) -> str:
    """Text as LaTeX prints it, letter for letter."""
    return text.translate(_ESCAPES)


def _table(grid: Grid, caption: str) -> str:
    label = re.sub(r"[^A-Za-z0-9-]+", "-", grid.label)
    lines = [
        r"\begin{table}[t]",
        r"  \centering\footnotesize\setlength{\tabcolsep}{3pt}\setlength{\belowcaptionskip}{4pt}",
        rf"  \caption{{{_breakable(escape(one_line(f'{caption} {grid.note}')))}}}",
        rf"  \label{{tab:{label}}}",
        r"  \resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",  # a wide one shrinks to the line
        rf"  \begin{{tabular}}{{{_columns(grid)}}}",
        r"    \toprule",
        _row(grid.header, len(grid.header)),
        r"    \midrule",
        *(
            _row(row, grid.names, {column for at, column in grid.bold if at == place})
            for place, row in enumerate(grid.rows)
        ),
        r"    \bottomrule",
        r"  \end{tabular}}",
        r"\end{table}",
    ]
    return "\n".join(lines)


def _breakable(text: str) -> str:
    """With places to break a line between the options of a component, where no space stands."""
    return re.sub(r",(?=\S)", r",\\allowbreak{}", text)


def _columns(grid: Grid) -> str:
    """`llr`; the columns of long texts share three fifths of the line by their lengths."""
    longest = [max(cells, key=len) for cells in zip(grid.header, *grid.rows, strict=True)]
    texts = {at: len(cell) for at, cell in enumerate(longest) if len(cell) > LONG and re.search("[a-z]{3} ", cell)}
    wide = r">{{\raggedright\arraybackslash}}p{{{:.2f}\linewidth}}"
    plain = "l" * grid.names + "r" * (len(longest) - grid.names)
    return "".join(
        wide.format(0.6 * texts[at] / sum(texts.values())) if at in texts else one for at, one in enumerate(plain)
    )


def _row(cells: tuple[str, ...], names: int, bold: Collection[int] = ()) -> str:
    texts = [escape(one_line(cell)) for cell in cells[:names]] + [_number(cell) for cell in cells[names:]]
    texts = [rf"\textbf{{{text}}}" if column in bold else text for column, text in enumerate(texts)]
    return f"    {' & '.join(texts)} \\\\"


def _number(text: str) -> str:
    """Numbers with true minus signs and powers of ten."""
    powers = re.sub(r"(\d)e([+-]\d+)", lambda found: f"{found[1]}$\\times10^{{{int(found[2])}}}$", escape(text))
    return re.sub(r"(?<![\d{])-(?=\d)", "$-$", powers)


def _comment(text: str) -> str:
    return f"% {one_line(text)}"
