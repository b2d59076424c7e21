"""The Markdown pages of the repository, and the code in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
FENCED = re.compile(r"^```([\w{}-]*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced code block: the last heading above it, its language and its text."""

    heading: str
    language: str
    text: str


def text(page: str) -> str:
    """A page by its path from the root of the repository."""
    return (ROOT / page).read_text()


def blocks(page: str) -> list[Block]:
    """The fenced code blocks of a page, in order."""
    whole = text(page)
    return [Block(_heading(whole[: match.start()]), match[1], match[2]) for match in FENCED.finditer(whole)]


def code(page: str, heading: str, language: str = "python") -> str:
    """The first code block of a language below a heading of a page."""
    texts = [block.text for block in blocks(page) if (block.heading, block.language) == (heading, language)]
    assert texts, f"{page} has no {language} code below {heading!r}"
    return texts[0]


def commands(page: str) -> list[str]:
    """What a page shows in code: lines of shell and console blocks, indented lines, and inline code."""
    rest = FENCED.sub("", text(page))
    shell = [line for block in blocks(page) if block.language == "sh" for line in block.text.splitlines()]
    indented = re.findall(r"^    (.+)$", rest, re.MULTILINE)
    return [*shell, *console(page), *indented, *re.findall(r"`([^`\n]+)`", rest)]


def console(page: str) -> list[str]:
    """The commands in the console blocks of a page, in order, without their prompts."""
    lines = [line for block in blocks(page) if block.language == "console" for line in block.text.splitlines()]
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]


def anchors(page: str) -> set[str]:
    """The anchors that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", FENCED.sub("", text(page)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _heading(above: str) -> str:
    headings = re.findall(r"^#+ (.+)$", FENCED.sub("", above), re.MULTILINE)
    return headings[-1] if headings else ""
