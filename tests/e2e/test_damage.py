"""Every file of a results folder, damaged in every way, under every command that reads it.

No command prints a traceback or waits for ever; the table equals that of the sound folder, or stderr names what is
missing; MLflow keeps what it has of a damaged run; and `ganbench run` and `tune` repair everything, value for value.
A sample of the cases runs by default, all of them with `-m fuzz`.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.conftest import INLINE, within

SUITE = """\
name: tiny
grid:
  variant: [ns, lsgan]
  dataset: ring8
  optimizer: {kind: adam, lr: 1e-3}
  seed: 1
train: {steps: 8, batch: 8, network: {kind: mlp, z: 2, g_widths: [4], d_widths: [4]}}
evaluate: {every: 4, samples: 50, with: [modes, {kind: fid, features: pixels}]}
"""
RUN = ("run", "tiny.yaml", "--tracking-uri", "none", *INLINE)
TUNE = ("tune", "tiny.yaml", "--tracking-uri", "none", "--metric", "fd_pixels", "--trials", "2", *INLINE,
        "--search", "optimizer.lr")  # fmt: skip
REPORTS = [("report", suite, "--format", "csv") for suite in ("tiny", "tiny-tuned")]
READERS = (*REPORTS, ("report", "tiny", "--format", "html"), ("report", "tiny-tuned"), ("watch", "tiny", "--once"),
           ("show", "RUN"), ("cache", "list"), ("sync",))  # fmt: skip


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    if content:
        content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _replace(path: Path, make: Callable[[Path], object]) -> None:
    path.unlink()
    make(path)


HARMS: dict[str, Callable[[Path], object]] = {
    "truncated": lambda path: os.truncate(path, path.stat().st_size // 2),
    "flipped": _flip,
    "emptied": lambda path: os.truncate(path, 0),
    "a folder": lambda path: _replace(path, Path.mkdir),
    "a pipe": lambda path: _replace(path, os.mkfifo),
    "deleted": Path.unlink,
}
IN_A_RUN = ("spec.json", "env.json", "state.json", "terms.jsonl", "scores.jsonl", "mlflow.json", "samples/8.png",
            "checkpoints/8.pt")  # fmt: skip
IN_A_TRIAL = ("state.json", "scores.jsonl", "checkpoints/last.pt")
FILES = {
    **{f"run/{name}": f"runs/RUN/{name}" for name in IN_A_RUN},
    **{f"trial/{name}": f"runs/*-s100000*/{name}" for name in IN_A_TRIAL},
    "manifest": "suites/tiny.json",
    "tuned manifest": "suites/tiny-tuned.json",
    "search": "tune/tiny-tuned.json",
    "journal": "tune/*.journal",
    "seal of the journal": "tune/*-seal.json",
    "cache": "cache/*.pt",
    "database": "mlflow.db",
}
EVERY = [(name, harm) for name in FILES for harm in HARMS]
SAMPLE = [(name, list(HARMS)[(5 * place) % len(HARMS)]) for place, name in enumerate(FILES)]


@dataclass(frozen=True)
class Sound:
    """The folder that is copied for each case, with its tables and the content of MLflow."""

    folder: Path
    run_id: str  # of the run whose files are damaged
    tables: list[str]
    mirrored: list[tuple[str, str, float, int]]


def tables(folder: Path) -> list[str]:
    return [within(folder, *words).stdout for words in REPORTS]


def mirrored(folder: Path) -> list[tuple[str, str, float, int]]:
    """The metrics of all runs in MLflow: run id, name, value, step."""
    query = (
        "SELECT r.name, m.key, m.value, m.step FROM metrics m JOIN runs r USING (run_uuid)"
        " WHERE r.lifecycle_stage = 'active' ORDER BY 1, 2, 4"
    )
    with closing(sqlite3.connect(folder / "results" / "mlflow.db")) as connection:
        return connection.execute(query).fetchall()


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Sound:
    folder = tmp_path_factory.mktemp("sound")
    (folder / "tiny.yaml").write_text(SUITE)
    for words in (RUN, TUNE, ("sync",)):
        done = within(folder, *words)
        assert done.returncode == 0, done.stderr
    both = tables(folder)
    sound = Sound(folder, both[0].splitlines()[-1].partition(",")[0], both, mirrored(folder))
    assert all(file_of(sound, folder, name) for name in FILES)
    return sound


def file_of(sound: Sound, folder: Path, name: str) -> Path:
    """The first of the files that are meant."""
    return min((folder / "results").glob(FILES[name].replace("RUN", sound.run_id)))


def command(sound: Sound, folder: Path, words: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    return within(folder, *(word.replace("RUN", sound.run_id) for word in words))


def check(sound: Sound, folder: Path, name: str, harm: str) -> None:
    shutil.copytree(sound.folder, folder, dirs_exist_ok=True)
    path = file_of(sound, folder, name)
    HARMS[harm](path)
    for words in READERS:
        done = command(sound, folder, words)
        assert "Traceback" not in done.stderr + done.stdout and done.returncode in (0, 1, 2), (words, done)
        assert done.returncode == 0 or done.stderr, words
        if words in REPORTS and done.stdout != sound.tables[REPORTS.index(words)]:
            missing = "missing" in done.stdout or "failed" in done.stdout
            assert str(path.parent.relative_to(folder)) in done.stderr or (harm == "deleted" and missing), (words, done)
    if name != "database":
        lost = set(sound.mirrored) - set(mirrored(folder))
        assert not lost, "MLflow keeps what it has of a damaged run"
    for words in (RUN, TUNE):
        done = within(folder, *words)
        assert done.returncode == 0 and "Traceback" not in done.stderr, (words, done)
    assert tables(folder) == sound.tables
    for words in READERS:
        done = command(sound, folder, words)
        unfit = name == "database" and words == ("sync",)
        assert (done.returncode == 0 and "damaged:" not in done.stderr + done.stdout) or unfit, (words, done)


@pytest.mark.parametrize(("name", "harm"), SAMPLE)
def test_a_damaged_file_is_named_and_repaired(sound: Sound, tmp_path: Path, name: str, harm: str) -> None:
    check(sound, tmp_path, name, harm)


@pytest.mark.fuzz
@pytest.mark.parametrize(("name", "harm"), EVERY)
def test_every_file_in_every_way(sound: Sound, tmp_path: Path, name: str, harm: str) -> None:
    check(sound, tmp_path, name, harm)
