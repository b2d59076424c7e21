"""The real command as a subprocess, on suites that take seconds."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]

SUITE = """\
name: small
about: Small enough for a test.
grid:
  variant: [ns, lsgan]
  dataset: ring8
  seed: 2
train:
  network: {kind: mlp, z: 8, g_widths: [16], d_widths: [16]}
  steps: 1500
  batch: 32
evaluate: {every: 500, samples: 200, with: [modes]}
"""


def command(*words: str | Path) -> list[str]:
    return [sys.executable, "-m", "ganbench.cli", *map(str, words)]


def environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GANBENCH", "MLFLOW"))}
    return kept | {"COLUMNS": "200"}


@pytest.fixture
def ganbench(tmp_path: Path) -> Run:
    """Run the command in an empty folder, without a data folder."""

    def run(*words: str | Path, **extra: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command(*words), capture_output=True, text=True, cwd=tmp_path, env=environment() | extra, timeout=300
        )

    return run


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(SUITE)
    return path


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The tidy table of the small suite, run without any disturbance."""
    folder = tmp_path_factory.mktemp("undisturbed")
    (folder / "small.yaml").write_text(SUITE)
    for words in (("run", "small.yaml", "--tracking-uri", "none"), ("report", "small", "--format", "csv")):
        done = subprocess.run(
            command(*words), capture_output=True, text=True, cwd=folder, env=environment(), timeout=300, check=True
        )
    assert done.stdout.count(",modes,") == 4 * 3, "4 runs x 3 marks"
    return done.stdout
