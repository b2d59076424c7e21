"""Packs of ten under the disturbances of `test_disturbances.py`: the same table, value for value."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import time
from pathlib import Path

import pytest

from tests.e2e.conftest import INLINE, Run, within
from tests.e2e.test_disturbances import QUIET, started, table, wait_for_checkpoint, workers_of

STEPS, MARK = 400, 200
TEN = f"""\
name: small
about: Two cells of ten seeds.
grid:
  variant: [ns, lsgan]
  dataset: ring8
  seed: 10
train:
  network: {{kind: mlp, z: 8, g_widths: [16], d_widths: [16]}}
  steps: {STEPS}
  batch: 32
evaluate: {{every: {MARK}, samples: 200, with: [modes]}}
"""


@pytest.fixture
def ten(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(TEN)
    return path


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The tidy table of the suite, run without any disturbance."""
    folder = tmp_path_factory.mktemp("packs")
    (folder / "small.yaml").write_text(TEN)
    done = within(folder, "run", "small.yaml", "--tracking-uri", "none", *INLINE)
    assert done.returncode == 0 and "20 to run in 2 packs of up to 10 seeds" in done.stderr, done.stderr
    return within(folder, "report", "small", "--format", "csv").stdout


def folders(root: Path, variant: str) -> list[Path]:
    """The run folders of a cell, by seed."""
    return sorted(root.glob(f"results/runs/{variant}-*"), key=lambda path: int(path.name.split("-s")[1].split("-")[0]))


def test_kills_at_random_moments_change_nothing(ganbench: Run, ten: Path, tmp_path: Path, undisturbed: str) -> None:
    """Parent and workers are killed, three times, and another number of workers goes on."""
    moments = random.Random(0)
    for workers in ("2", "1", "2"):
        parent = started(tmp_path, "--workers", workers)
        wait_for_checkpoint(tmp_path)
        time.sleep(moments.uniform(0, 0.3))
        for pid in (parent.pid, *workers_of(parent.pid)):
            os.kill(pid, signal.SIGKILL)
        parent.communicate()
    time.sleep(1)
    finished = ganbench("run", "small.yaml", *QUIET, *INLINE, "--json")
    assert finished.returncode == 0 and json.loads(finished.stdout)["done"] == 20, finished.stderr
    assert table(ganbench) == undisturbed


def test_the_third_of_ten_is_damaged(ganbench: Run, ten: Path, tmp_path: Path, undisturbed: str) -> None:
    """Its checkpoint in mid-run, then its whole folder when all are done; the others are left as they are."""
    parent = started(tmp_path, "--workers", "1")
    half = wait_for_checkpoint(tmp_path)
    parent.send_signal(signal.SIGINT)
    parent.communicate(timeout=300)
    third = folders(tmp_path, half.name.partition("-")[0])[2]
    checkpoint = third / "checkpoints" / "last.pt"
    checkpoint.write_bytes(checkpoint.read_bytes()[:100])
    resumed = ganbench("run", "small.yaml", *QUIET, *INLINE)
    assert resumed.returncode == 0 and str(checkpoint) in resumed.stderr, resumed.stderr
    assert table(ganbench) == undisturbed
    others = {path: path.read_bytes() for path in tmp_path.glob("results/runs/*/*.json*") if path.parent != third}
    shutil.rmtree(third)
    redone = ganbench("run", "small.yaml", *QUIET, *INLINE, "--json", "--pack", "1")
    assert redone.returncode == 0 and json.loads(redone.stdout)["skipped"] == 19, redone.stderr
    assert "--pack 1 is for runs that are planned now" in redone.stderr
    assert table(ganbench) == undisturbed
    assert all(path.read_bytes() == content for path, content in others.items())


def test_one_seed_first_and_two_commands_at_once(ganbench: Run, ten: Path, tmp_path: Path, undisturbed: str) -> None:
    """One with another `--pack`, which is for runs that were not planned before."""
    first = ganbench("run", "small.yaml", *QUIET, *INLINE, "--only", "seed=3", "--json")
    assert json.loads(first.stdout)["done"] == 2 and len(list(tmp_path.glob("results/runs/*-s*"))) == 2, first.stderr
    for command in (started(tmp_path, "--json"), started(tmp_path, "--json", "--pack", "4")):
        out, err = command.communicate(timeout=300)
        assert command.returncode == 0 and json.loads(out)["done"] == 20, err
    assert table(ganbench) == undisturbed
