"""LaTeX: booktabs tables with caption and label, ready for a paper; what is no table stands in comments."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ganbench.report.model.document import FailedRuns, Items, Table, flat
from ganbench.report.text import ABSENT, one_line

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from ganbench.report.model.document import Document, Section

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


def draw(document: Document) -> str:
    """Every table of the report. Needs `\\usepackage{array,booktabs,graphicx}`."""
    sections = [section for section in document.sections if section.audience != "page"]
    texts = [section for section in sections if not any(isinstance(block, Table) for block in flat(section.blocks))]
    head = [
        f"{document.title}: {document.about}",
        f"{document.counts}. Needs \\usepackage{{array,booktabs,graphicx}}.",
        *(line for section in texts for line in _comments(section)),
    ]
    parts = ["\n".join(map(_comment, head))]
    for section in sections:
        if section not in texts:
            parts.append("\n".join(map(_comment, _comments(section))))
            parts += [_table(block) for block in flat(section.blocks) if isinstance(block, Table)]
    return "\n\n".join(part for part in parts if part)


def _comments(section: Section) -> Iterator[str]:
    """What of a section is no table, in lines."""
    for block in flat(section.blocks):
        match block:
            case FailedRuns():
                yield f"{block.first} (of {block.others + 1}): {block.error}"
            case Items(lines=lines, noun=noun, audience="all" | "paper"):
                yield from (f"{noun}: {line}" if noun else line for line in lines)


def escape(text: str) -> str:
    """Text as LaTeX prints it, letter for letter."""
    return text.translate(_ESCAPES)


def _table(table: Table) -> str:
    label = re.sub(r"[^A-Za-z0-9-]+", "-", table.label)
    header = tuple(column.name for column in table.columns)
    lines = [
        r"\begin{table}[t]",
        r"  \centering\footnotesize\setlength{\tabcolsep}{3pt}\setlength{\belowcaptionskip}{4pt}",
        rf"  \caption{{{_breakable(escape(one_line(f'{table.caption} {table.note}')))}}}",
        rf"  \label{{tab:{label}}}",
        r"  \resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",  # a wide one shrinks to the line
        rf"  \begin{{tabular}}{{{_columns(table)}}}",
        r"    \toprule",
        _row(header, len(header)),
        r"    \midrule",
        *(
            _row(row, _names(table), {column for at, column in table.bold if at == place})
            for place, row in enumerate(table.rows)
        ),
        r"    \bottomrule",
        r"  \end{tabular}}",
        r"\end{table}",
    ]
    return "\n".join(lines)


def _breakable(text: str) -> str:
    """With places to break a line between the options of a component, where no space stands."""
    return re.sub(r",(?=\S)", r",\\allowbreak{}", text)


def _names(table: Table) -> int:
    """How many columns, from the left, hold names."""
    return sum(column.holds == "names" for column in table.columns)


def _columns(table: Table) -> str:
    """`llr`; the columns of long texts share three fifths of the line by their lengths."""
    header = tuple(column.name for column in table.columns)
    longest = [max(cells, key=len) for cells in zip(header, *table.rows, strict=True)]
    texts = {at: len(cell) for at, cell in enumerate(longest) if len(cell) > LONG and re.search("[a-z]{3} ", cell)}
    wide = r">{{\raggedright\arraybackslash}}p{{{:.2f}\linewidth}}"
    plain = "".join("l" if column.holds == "names" else "r" for column in table.columns)
    return "".join(
        wide.format(0.6 * texts[at] / sum(texts.values())) if at in texts else letter for at, letter in enumerate(plain)
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
