"""A grid of losses and penalties through the command: every cell is done or left out with the reason."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tests.e2e.conftest import INLINE, within

CROSSED = """\
name: crossed
about: Losses and penalties, crossed.
grid:
  variant: [ns, wgan]
  penalty: [none, {kind: r1, every: 2}, lecam]
  batchnorm: [none, discriminator]
  dataset: digits
  seed: 2
train:
  network: {kind: dcgan, width: 4, z: 4}
  steps: 4
  batch: 8
evaluate: {every: 2, samples: 20, with: [{kind: fid, features: pixels}]}
compare: [{axis: penalty, metric: fd_pixels, baseline: none}]
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
