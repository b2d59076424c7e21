"""What strangers wrote stays text in a report: it is no script in HTML and no command in LaTeX."""

from __future__ import annotations

import re
from dataclasses import asdict
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ganbench.report import format_report
from ganbench.results.store import Store
from tests.support.claims import claim_of, versus
from tests.support.synthetic import Run, write_suite

HTML = "\"><script>alert(1)</script><img src=x onerror=alert(1)>' onmouseover='alert(1)"
LATEX = "\\input{/etc/passwd}%\n\\write18{x}^^5cinput{y}$#_&~\u2028\\bad\x0b\\worse\r\\worst"


def study(root: Path, evil: str) -> Store:
    """A suite in which every text that a stranger could choose is `evil`."""
    runs = [Run(variant=evil, dataset="d", seed=s, curves={"fd_pixels": [9.0, 6.0 + s]}) for s in range(3)]
    others = {"network": evil}
    runs += [Run(dataset="d", seed=s, columns=others, curves={"fd_pixels": [9.0, 6.0 + s]}) for s in range(3)]
    runs += [Run(dataset=evil, status="failed", error=evil, log=f"{evil}\n")]
    cell = {name: value for name, value in runs[0].described().items() if name != "seed"}
    skipped = [{"dataset": evil, "evaluator": evil, "because": evil}]
    evaluation = {"every": 1000, "samples": 1000, "with": ["fid[features=pixels]"], "skipped": skipped}
    test = versus(evil, "ns", "fd_pixels")
    claims = [asdict(claim_of(test, says=evil, source=evil))]
    excluded, axes = [{"columns": cell, "because": evil}], ["variant", "network", "seed"]
    asked = {"excluded": excluded, "evaluation": evaluation, "axes": axes, "claims": claims}
    return write_suite(root, runs, about=evil, **asked)


class Tags(HTMLParser):
    """Every tag and every attribute of a page, and where scripts lead."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.scripts, self.names = 0, set[str]()
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.scripts += tag == "script"
        self.names |= {name for name, _ in attributes}
        for name, value in attributes:
            assert name not in ("href", "src") or re.match(r"#|data:image/webp;base64,", value or ""), value


def test_nothing_becomes_markup(tmp_path: Path) -> None:
    page = format_report(study(tmp_path, HTML), "study", "html", None)
    tags = Tags(page)
    assert "alert(1)" in page and "<script>alert" not in page
    assert tags.scripts == 1 and not [name for name in tags.names if name.startswith("on")]
    assert not tags.tags & {"iframe", "object", "embed", "base", "form", "link"} and "onerror" not in tags.names


def test_nothing_becomes_a_command(tmp_path: Path) -> None:
    text = format_report(study(tmp_path, LATEX), "study", "latex", None)
    assert "etc/passwd" in text
    for line in text.splitlines():  # also at the breaks that Python knows besides the newline
        if not line.startswith("%"):
            commands = set(re.findall(r"\\[a-zA-Z]+", line))
            assert not commands & {"\\input", "\\write", "\\bad", "\\worse", "\\worst"} and "^^" not in line


@pytest.mark.parametrize("about", ["x\u2028\\input{y}", "x\r\\input{y}", "x\x85\\input{y}", "x\x0c\\input{y}"])
def test_a_comment_stays_one_line(about: str, tmp_path: Path) -> None:
    text = format_report(write_suite(tmp_path, [Run(curves={"fd_pixels": [3.0]})], about=about), "study", "latex", None)
    assert next(line for line in text.splitlines() if "input{y}" in line).startswith("% ")
