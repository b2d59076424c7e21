"""The real command on suites that take seconds: as a process of its own, or within this one.

Importing torch takes seconds, so a test starts a process only where processes are what it is about.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from ganbench.cli import main

Run = Callable[..., "subprocess.CompletedProcess[str]"]

MARK, STEPS = 200, 600
INLINE = ("--executor", "inline")  # train in the process of the command
SUITE = f"""\
name: small
about: Small enough for a test.
grid:
  variant: [ns, lsgan]
  dataset: ring8
  seed: 2
train:
  network: {{kind: mlp, z: 8, g_widths: [16], d_widths: [16]}}
  steps: {STEPS}
  batch: 32
evaluate: {{every: {MARK}, samples: 200, with: [modes]}}
"""


def command(*words: str | Path) -> list[str]:
    return [sys.executable, "-m", "ganbench.cli", *map(str, words)]


def environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GANBENCH", "MLFLOW"))}
    return kept | {"COLUMNS": "200"}


def started(folder: Path, *words: str | Path, **extra: str) -> subprocess.CompletedProcess[str]:
    """The command as a process of its own, without a data folder."""
    return subprocess.run(
        command(*words), capture_output=True, text=True, cwd=folder, env=environment() | extra, timeout=300
    )


def within(folder: Path, *words: str | Path, **extra: str) -> subprocess.CompletedProcess[str]:
    """The command within this process, from its arguments to its exit code."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with pytest.MonkeyPatch.context() as patch, chdir(folder), redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", ["ganbench", *map(str, words)])
        for name in os.environ.keys() - environment().keys():
            patch.delenv(name)
        for name, value in (environment() | extra).items():
            patch.setenv(name, value)
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
    return subprocess.CompletedProcess(command(*words), code, out.getvalue(), err.getvalue())


@pytest.fixture
def process(tmp_path: Path) -> Run:
    """Run the command in an empty folder, as a process of its own."""
    return lambda *words, **extra: started(tmp_path, *words, **extra)


@pytest.fixture
def ganbench(tmp_path: Path) -> Run:
    """Run the command in an empty folder, within this process."""
    return lambda *words, **extra: within(tmp_path, *words, **extra)


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(SUITE)
    return path


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The tidy table of the small suite, run without any disturbance."""
    return table_of(SUITE, STEPS, tmp_path_factory.mktemp("undisturbed"))


def table_of(suite: str, steps: int, folder: Path) -> str:
    """The tidy table of a suite of four runs named small, run in a folder."""
    (folder / "small.yaml").write_text(suite)
    for words in (("run", "small.yaml", "--tracking-uri", "none", *INLINE), ("report", "small", "--format", "csv")):
        done = within(folder, *words)
        assert done.returncode == 0, done.stderr
    assert done.stdout.count(",modes,") == 4 * steps // MARK, "every run has a row at each of its marks"
    return done.stdout
