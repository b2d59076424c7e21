"""Grids of losses, penalties, augmentations and precisions: every cell is done or left out with the reason."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

from ganbench.suite import load
from ganbench.testing.claim import same
from ganbench.testing.runs import end
from ganbench.training.trainer import train
from tests.e2e.conftest import INLINE, within

TRAINING = """\
train:
  network: {kind: dcgan, width: 4, z: 4}
  steps: 4
  batch: 8
evaluate: {every: 2, samples: 20, with: [{kind: fid, features: pixels}]}
"""
CROSSED = f"""\
name: crossed
about: Losses and penalties, crossed.
grid:
  variant: [ns, wgan]
  penalty: [none, {{kind: r1, every: 2}}, lecam]
  batchnorm: [none, discriminator]
  dataset: digits
  seed: 2
{TRAINING}compare: [{{axis: penalty, metric: fd_pixels, baseline: none}}]
"""
GRID = f"""\
name: grid
about: Losses, penalties and augmentations, crossed.
grid:
  variant: [ns, lsgan, hinge, wgan]
  penalty: [none, gp, r1, dragan]
  augment: [none, flip]
  dataset: digits
  seed: 2
{TRAINING}"""
PRECISIONS = f"""\
name: precisions
about: Losses and precisions, crossed.
grid:
  variant: [ns, wgan_gp]
  precision: [float32, bf16]
  dataset: digits
  optimizer: {{kind: adam, lr: 0.02}}
  seed: 2
{TRAINING}compare: [{{axis: precision, metric: fd_pixels, baseline: float32}}]
claims:
  - says: Both precisions give the same distances.
    source: this test
    compare: {{axis: precision, same: [float32, bf16], metric: fd_pixels, within: 1}}
    answerable: no
    because: of two seeds
"""
QUIET = ("--tracking-uri", "none", *INLINE)


def test_losses_and_penalties_are_crossed_and_redone_to_the_same_table(tmp_path: Path) -> None:
    (tmp_path / "crossed.yaml").write_text(CROSSED)
    done = within(tmp_path, "run", "crossed.yaml", *QUIET, "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["done"] == 18, done.stderr
    left_out = within(tmp_path, "check", "crossed.yaml").stderr
    assert "penalty r1: its penalty needs each sample's own gradient, which batch norm in D mixes" in left_out
    assert "variant wgan: clipping and a gradient penalty both bound the critic's slope" in left_out
    table = within(tmp_path, "report", "crossed", "--format", "csv").stdout
    assert table.splitlines()[0].endswith(",penalty") and ",lecam" in table and ",r1[every=2]" in table
    assert "r1: Mescheder et al. 2018, arXiv:1801.04406" in within(tmp_path, "cite", "crossed.yaml").stdout
    terms = next(tmp_path.glob("results/runs/ns-r1-*/terms.jsonl")).read_text()
    assert "d/r1" in terms
    for run in tmp_path.glob("results/runs/ns-lecam-*-s1-*"):
        shutil.rmtree(run)
    assert within(tmp_path, "run", "crossed.yaml", *QUIET).returncode == 0
    assert within(tmp_path, "report", "crossed", "--format", "csv").stdout == table


def test_losses_penalties_and_augmentations_are_crossed(tmp_path: Path) -> None:
    """26 cells are done, in packs of both seeds; clipped weights beside a penalty of the gradient are left out."""
    (tmp_path / "grid.yaml").write_text(GRID)
    checked = within(tmp_path, "check", "grid.yaml")
    assert "52 runs, 12 excluded" in checked.stdout and "clipping and a gradient penalty both bound" in checked.stderr
    half = within(tmp_path, "run", "grid.yaml", *QUIET, "--pack", "2", "--only", "augment=flip", "--json")
    assert half.returncode == 0 and json.loads(half.stdout)["done"] == 26, half.stderr
    done = within(tmp_path, "run", "grid.yaml", *QUIET, "--pack", "2", "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["done"] == 52, done.stderr
    table = within(tmp_path, "report", "grid", "--format", "csv").stdout
    assert table.splitlines()[0].endswith(",penalty,augment") and ",dragan,flip" in table
    assert "flip: Zhao et al. 2020" in within(tmp_path, "cite", "grid.yaml").stdout


def test_precisions_are_crossed(tmp_path: Path) -> None:
    """Runs in float32 are those of a suite without the axis; those in bf16 train, and a report compares both."""
    (tmp_path / "precisions.yaml").write_text(PRECISIONS)
    plain = PRECISIONS.partition("compare:")[0].replace("  precision: [float32, bf16]\n", "")
    (tmp_path / "plain.yaml").write_text(plain.replace("name: precisions", "name: plain"))
    assert within(tmp_path, "run", "plain.yaml", *QUIET).returncode == 0
    usual = {path.name for path in tmp_path.glob("results/runs/*-s[01]-*")}
    part = within(tmp_path, "run", "precisions.yaml", *QUIET, "--only", "precision=float32", "--json")
    assert part.returncode == 0 and json.loads(part.stdout)["done"] == 4, part.stderr
    assert {path.name for path in tmp_path.glob("results/runs/*-s[01]-*")} == usual and len(usual) == 4
    done = within(tmp_path, "run", "precisions.yaml", *QUIET, "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["done"] == 8, done.stderr
    table = within(tmp_path, "report", "precisions", "--format", "csv").stdout.splitlines()
    assert table[0].endswith(",precision") and len([row for row in table if row.endswith(",bf16")]) == 8
    runs = within(tmp_path, "report", "precisions", "--format", "runs").stdout
    assert "arithmetic.precision" in runs.splitlines()[0] and runs.count(",bf16,") == 4
    body = json.loads(within(tmp_path, "report", "precisions", "--format", "json").stdout)
    (family,) = body["families"]
    assert {item["value"] for item in family["comparisons"]} == {"bf16"}
    assert all(item["effect"]["n"] == 2 and item["effect"]["difference"]["mean"] for item in family["comparisons"])
    assert body["claims"][0]["parts"][0]["n"] == 4


def test_every_cell_of_the_grid_resumes_and_packs(tmp_path: Path) -> None:
    """A pack of two seeds that is saved in the middle ends bit for bit as one that never stopped."""
    (tmp_path / "grid.yaml").write_text(GRID)
    suite = load(tmp_path / "grid.yaml")
    data = suite.specs[0].dataset.load(None)
    cells = [spec for spec in suite.specs if spec.seed == 0]
    assert len(cells) == 26 and {out.because.partition(":")[0] for out in suite.excluded} == {"variant wgan"}
    for first in cells:
        pack = [first, replace(first, seed=1)]
        halves = train(pack, data, (2, 4))
        saved = [run.checkpoint() for run in next(halves).runs]
        for straight, resumed in zip(next(halves).runs, end(pack, data, resume=saved), strict=True):
            assert straight.diverged is None and same(straight.checkpoint(), resumed.checkpoint()), first.run_id()
