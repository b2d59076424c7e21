"""No text of a file reaches the terminal with characters that it obeys."""

from __future__ import annotations

import ast
import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

import ganbench
from ganbench.api import progress
from ganbench.cli import watch
from ganbench.report import format_report
from ganbench.results.manifest import read_manifest
from ganbench.results.snapshot import read_snapshot
from ganbench.results.store import Store
from ganbench.runner.events import Ended, Noted, Started
from ganbench.text import printable
from tests.e2e.conftest import within
from tests.support.synthetic import Run, write_suite

PRINTING = [Path(ganbench.__file__).parent / folder for folder in ("cli", "api")]
OBEYED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
EVIL = "\x1b]0;owned\x07\x1b[2J\x9b31m\r\u202egnp\u2066"


def test_what_a_terminal_obeys_is_escaped() -> None:
    for code in range(0x2100):
        text = printable(chr(code))
        assert not OBEYED.search(text) and (text == chr(code) or text == ascii(chr(code))[1:-1])
    assert printable("tab\tand\nline, häß, 漢字, –") == "tab\tand\nline, häß, 漢字, –"
    assert printable(EVIL).startswith(r"\x1b]0;owned\x07\x1b[2J\x9b31m\r\u202egnp")


@pytest.fixture
def results(tmp_path: Path) -> Store:
    """A suite whose manifest, errors, logs and columns hold escape sequences."""
    runs = [Run(seed=s, curves={"fd_pixels": [3.0 + s]}, columns={"network": f"mlp{EVIL}"}) for s in range(2)]
    runs.append(Run(variant=f"lsgan{EVIL}", status="failed", error=f"Error{EVIL}", log=f"line{EVIL}\n"))
    excluded = [{"columns": runs[0].described(), "because": f"no{EVIL}"}]
    return write_suite(tmp_path / "results", runs, about=f"About{EVIL}", excluded=excluded)


def test_commands_print_none(results: Store) -> None:
    folder = results.root.parent
    failed = next(run for run in read_manifest(results, "study").runs if run.startswith("lsgan"))
    for words in (("report", "study"), ("report", "study", "--format", "csv"), ("report", "study", "--format", "latex"),
                  ("report", "study", "--format", "html"), ("show", failed), ("watch", "study", "--once"),
                  ("show", EVIL), ("report", f"no{EVIL}"), ("check", f"no{EVIL}.yaml"), ("run", f"--{EVIL}"),
                  ("list", EVIL), ("cache", "list", "--results", f"no{EVIL}")):  # fmt: skip
        done = within(folder, *words)
        assert not OBEYED.search(done.stdout + done.stderr), words
        assert done.stdout + done.stderr
    (results.root / "suites" / "study.json").write_text(f'{{"about": "{EVIL}')
    done = within(folder, "report", "study")
    assert done.returncode == 2 and not OBEYED.search(done.stderr)


def test_files_of_reports_hold_none(results: Store) -> None:
    for format in ("markdown", "csv", "latex", "html", "json"):
        assert not OBEYED.search(format_report(results, "study", format, None)), format


def test_names_of_image_files_and_classes(tmp_path: Path) -> None:
    for side in ("real", "fake"):
        for label in ("a\x1b[31m", "b\u202e"):
            folder = tmp_path / side / label
            folder.mkdir(parents=True)
            for index in range(3):
                pixels = np.random.default_rng(index).integers(0, 255, (8, 8), np.uint8)
                Image.fromarray(pixels).save(folder / f"{index}\x1b[2J.png")
        (tmp_path / side / "notes\x1b[5m.txt").touch()
        (tmp_path / side / "broken\x9b.png").symlink_to("nowhere")
    done = within(tmp_path, "evaluate", "fake", "--reference", "real", "--features", "pixels")
    assert "\\x1b[31m" in done.stderr and not OBEYED.search(done.stdout + done.stderr)
    (tmp_path / "fake" / "x\x1b[31m.png").write_bytes(b"no image")
    done = within(tmp_path, "evaluate", "fake", "--reference", "real", "--features", "pixels")
    assert done.returncode == 2 and "\\x1b[31m.png" in done.stderr and not OBEYED.search(done.stderr)


def test_messages_of_plug_ins(tmp_path: Path) -> None:
    (tmp_path / "my_gan.py").write_text(f"raise ValueError({EVIL!r})\n")
    (tmp_path / "s.yaml").write_text("name: s\nplugins: [my_gan.py]\ngrid: {variant: ns, dataset: ring8}\n")
    done = within(tmp_path, "check", "s.yaml")
    assert done.returncode == 2 and "\\x1b" in done.stderr and not OBEYED.search(done.stderr)


@pytest.mark.parametrize("display", [progress.Lines, progress.Live])
def test_the_progress_of_runs(display: type, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    shown = display()
    shown.begin(f"[blink]{EVIL}", 1, 10)
    for event in (Noted(EVIL), Started((f"run{EVIL}",), 10), Ended(f"run{EVIL}", "failed", error=EVIL)):
        shown.hear(event)
    shown.say(EVIL)
    shown.close()
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue()).replace("\r", "")  # what rich itself writes
    assert "owned" in text and not OBEYED.search(text) and not re.search("\x1b|\x07|\x9b", text)


def test_the_tables_of_watch(results: Store) -> None:
    stream = io.StringIO()
    Console(file=stream, width=500).print(watch.draw(read_snapshot(results, "study")))
    assert "owned" in stream.getvalue() and not OBEYED.search(stream.getvalue())


def test_no_module_prints_past_the_one_that_cleans() -> None:
    found = []
    for path in (path for folder in PRINTING for path in folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("click.echo", "click.secho", "print"):
                found.append(path.name)
    assert set(found) == {"terminal.py"}
