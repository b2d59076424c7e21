"""LaTeX: booktabs tables with caption and label, ready for a paper. Blocks other than tables become comments."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ganbench.report.model.document import FailedRuns, Items, Paragraph, Table, flat
from ganbench.report.render.latex_layout import UPRIGHT, has_words, parts
from ganbench.report.text import ABSENT, one_line

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from ganbench.report.model.document import Document, Section
    from ganbench.report.render.latex_layout import TablePart

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
    bodies = []
    for section in sections:
        if section not in texts:
            bodies.append("\n".join(map(_comment, _comments(section))))
            tables = (block for block in flat(section.blocks) if isinstance(block, Table))
            bodies += [text for table in tables for text in _tables(table)]
    head = [
        f"{document.title}: {document.about}",
        f"{document.counts}. Needs \\usepackage{{array,booktabs,rotating}}.{_engine(bodies)}",
        "The tables need a text of 345 pt by 550 pt; in two columns, table* and sidewaystable* have it.",
        *(line for section in texts for line in _comments(section)),
    ]
    return "\n\n".join(part for part in ("\n".join(map(_comment, head)), *bodies) if part)


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


def _tables(table: Table) -> Iterator[str]:
    """The table, in several environments if it does not fit on a page in a font that can be read."""
    label = re.sub(r"[^A-Za-z0-9-]+", "-", table.label)
    found = parts(table)
    for number, part in enumerate(found, start=1):
        text = f"{table.caption} {table.note}" if number == 1 else table.caption
        text = f"{text} (part {number} of {len(found)})" if len(found) > 1 else text
        yield _environment(table, part, text, label if number == 1 else f"{label}-{number}")


def _environment(table: Table, part: TablePart, caption: str, label: str) -> str:
    header = _row(table, part, [column.name for column in table.columns])
    place = "t" if part.page is UPRIGHT else "p"
    lines = [
        rf"\begin{{{part.page.environment}}}[{place}]",
        r"  \centering\footnotesize\setlength{\tabcolsep}{3pt}\setlength{\belowcaptionskip}{4pt}",
        rf"  \caption{{{_breakable(escape(one_line(caption)))}}}",
        rf"  \label{{tab:{label}}}",
        rf"  \begin{{tabular}}{{{_columns(table, part)}}}",
        r"    \toprule",
        header,
        r"    \midrule",
        *(
            _row(table, part, table.rows[place], {column for at, column in table.bold if at == place})
            for place in part.rows
        ),
        r"    \bottomrule",
        r"  \end{tabular}",
        rf"\end{{{part.page.environment}}}",
    ]
    return "\n".join(lines)


def _breakable(text: str) -> str:
    """The text with possible line breaks in the notation of components, which has no spaces."""
    return re.sub(r"(,|(?<!\s)\[|=|\\_)(?=[^\s\\])", r"\1\\allowbreak{}", text)


def _whole(text: str) -> str:
    """The text with its intervals and `< 0.001` on one line each."""
    tied = re.sub(r"(?<=,) (?=[^\[]*\])|(?<=less\{\}) ", "~", text)
    return re.sub(r"(\\_)(?=\S)", r"\1\\allowbreak{}", tied)


def _columns(table: Table, part: TablePart) -> str:
    """`llr`; columns whose texts are broken into lines have a width."""
    return "".join(_column(table, part, at) for at in part.columns)


def _column(table: Table, part: TablePart, at: int) -> str:
    left = table.columns[at].holds == "names"
    if at not in part.shares:
        return "l" if left else "r"
    side = "right" if left or has_words(row[at] for row in table.rows) else "left"
    return rf">{{\ragged{side}\arraybackslash}}p{{{part.shares[at]:.3f}\linewidth}}"


def _row(table: Table, part: TablePart, cells: Sequence[str], bold: Collection[int] = ()) -> str:
    texts = []
    for at in part.columns:
        text = one_line(cells[at])
        if table.columns[at].holds == "names":
            text = _breakable(escape(text)) if at in part.shares else escape(text)
        else:
            text = _whole(_number(text)) if at in part.shares else _number(text)
        texts.append(rf"\textbf{{{text}}}" if at in bold else text)
    first = f"{{{texts[0][0]}}}{texts[0][1:]}" if texts[0][:1] in ("[", "*") else texts[0]  # else an option of `\\\\`
    return f"    {' & '.join((first, *texts[1:]))} \\\\"


def _number(text: str) -> str:
    """Numbers with true minus signs and powers of ten."""
    powers = re.sub(r"(\d)e([+-]\d+)", lambda power: f"{power[1]}$\\times10^{{{int(power[2])}}}$", escape(text))
    return re.sub(r"(?<![\d{])-(?=\d)", "$-$", powers)


def _comment(text: str) -> str:
    return f"% {one_line(text)}"
