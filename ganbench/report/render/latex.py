"""LaTeX: booktabs tables with caption and label, ready for a paper. Blocks other than tables become comments."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ganbench.report.model.document import FailedRuns, Items, Paragraph, Table, flat
from ganbench.report.text import ABSENT, one_line

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from ganbench.report.model.document import Document, Section

LONG = 40  # characters; a longer text is broken into lines
SHOWN = 20  # characters beyond ASCII that the head shows
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
        "×": r"$\times$",
        "±": r"$\pm$",
        ABSENT: "--",
    }
    | {character: f"\\{character}" for character in "&%$#_{}"}
)


def draw(document: Document) -> str:
    """Every table of the report. The comment at its head says which packages and which engine it needs."""
    sections = [section for section in document.sections if section.audience != "page"]
    texts = [section for section in sections if not any(isinstance(block, Table) for block in flat(section.blocks))]
    parts = []
    for section in sections:
        if section not in texts:
            parts.append("\n".join(map(_comment, _comments(section))))
            parts += [_table(block) for block in flat(section.blocks) if isinstance(block, Table)]
    head = [
        f"{document.title}: {document.about}",
        f"{document.counts}. Needs \\usepackage{{array,booktabs,graphicx}}.{_engine(parts)}",
        *(line for section in texts for line in _comments(section)),
    ]
    return "\n\n".join(part for part in ("\n".join(map(_comment, head)), *parts) if part)


def _engine(parts: Sequence[str]) -> str:
    """What text beyond ASCII needs: pdfLaTeX knows no other scripts and few symbols. Comments need nothing."""
    lines = (line for part in parts for line in part.splitlines() if not line.startswith("%"))
    beyond = sorted({character for line in lines for character in line if not character.isascii()})
    if not beyond:
        return ""
    shown = "".join(beyond[:SHOWN]) + ("..." if len(beyond) > SHOWN else "")
    return f" Compile with XeLaTeX or LuaLaTeX, in a font that has the characters {shown}"


def _comments(section: Section) -> Iterator[str]:
    """The texts of a section, one a line."""
    for block in flat(section.blocks):
        match block:
            case FailedRuns():
                yield f"{block.first} (of {block.others + 1}): {block.error}"
            case Paragraph(text=text, lead=True):
                yield text
            case Items(lines=lines, noun=noun, audience="all" | "paper"):
                yield from (f"{noun}: {line}" if noun else line for line in lines)


def escape(text: str) -> str:
    """Text with LaTeX's special characters escaped."""
    return text.translate(_ESCAPES)


def _table(table: Table) -> str:
    label = re.sub(r"[^A-Za-z0-9-]+", "-", table.label)
    header = tuple(column.name for column in table.columns)
    lines = [
        r"\begin{table}[t]",
        r"  \centering\footnotesize\setlength{\tabcolsep}{3pt}\setlength{\belowcaptionskip}{4pt}",
        rf"  \caption{{{_breakable(escape(one_line(f'{table.caption} {table.note}')))}}}",
        rf"  \label{{tab:{label}}}",
        r"  \resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",  # a wide table shrinks to the line
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
    """The text with possible line breaks between the options of a component, which have no spaces."""
    return re.sub(r",(?=\S)", r",\\allowbreak{}", text)


def _names(table: Table) -> int:
    """The number of columns with names; they come first."""
    return sum(column.holds == "names" for column in table.columns)


def _columns(table: Table) -> str:
    """`llr`; columns with long texts share three fifths of the line in proportion to their lengths."""
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
    first = f"{{{texts[0][0]}}}{texts[0][1:]}" if texts[0][:1] in ("[", "*") else texts[0]  # else an option of `\\\\`
    return f"    {' & '.join((first, *texts[1:]))} \\\\"


def _number(text: str) -> str:
    """Numbers with true minus signs and powers of ten."""
    powers = re.sub(r"(\d)e([+-]\d+)", lambda power: f"{power[1]}$\\times10^{{{int(power[2])}}}$", escape(text))
    return re.sub(r"(?<![\d{])-(?=\d)", "$-$", powers)


def _comment(text: str) -> str:
    return f"% {one_line(text)}"
