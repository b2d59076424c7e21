"""The command where memory runs out: the runs are done in the end, and the table is that of an undisturbed command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.conftest import INLINE, Run

PLUGIN = '''\
"""Runs out of memory in workers, as the file `memory` says: once, in every pack, or never again enough."""
import sys
from dataclasses import dataclass
from pathlib import Path
import torch
from torch._C import _functorch
from ganbench.variants.ns import NonSaturating

def is_in_pack(x):
    while _functorch.is_functorch_wrapped_tensor(x):
        if _functorch.is_batchedtensor(x):
            return True
        x = _functorch.get_unwrapped(x)
    return False

@dataclass(frozen=True, kw_only=True)
class Hungry(NonSaturating):
    version = 1
    source = "this test"

    def d_loss(self, net, batch):
        rule = Path("memory")
        short_of = rule.read_text() if "worker_process" in sys.argv[0] and rule.exists() else ""
        if short_of == "once":
            rule.unlink()
        if short_of in ("once", "always") or (short_of == "packs" and is_in_pack(batch.x)):
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return super().d_loss(net, batch)
'''
SUITE = """\
name: small
about: One of its variants needs more memory than there is.
grid: {variant: [ns, hungry], dataset: ring8, seed: 2}
train: {network: {kind: mlp, z: 8, g_widths: [16], d_widths: [16]}, steps: 40, batch: 32}
evaluate: {every: 20, samples: 50, with: [modes]}
plugins: [hungry.py]
"""
QUIET = ("run", "small.yaml", "--tracking-uri", "none", "--json")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "hungry.py").write_text(PLUGIN)
    (tmp_path / "small.yaml").write_text(SUITE)
    return tmp_path


def table(ganbench: Run, results: str) -> str:
    return ganbench("report", "small", "--format", "csv", "--results", results).stdout


def test_a_job_that_ran_out_of_memory_is_done_again_alone(ganbench: Run, site: Path) -> None:
    (site / "memory").write_text("once")
    done = ganbench(*QUIET, "--workers", "2")
    assert done.returncode == 0 and json.loads(done.stdout)["done"] == 4, done.stderr
    assert done.stderr.count("out of memory on cpu; tried again alone on its device") == 1
    undisturbed = ganbench(*QUIET, *INLINE, "--results", "undisturbed")
    assert undisturbed.returncode == 0, undisturbed.stderr
    assert table(ganbench, "results") == table(ganbench, "undisturbed")


def test_a_pack_that_is_too_large_is_planned_anew_in_halves(ganbench: Run, site: Path) -> None:
    """The table is that of `--pack 1`."""
    (site / "memory").write_text("packs")
    done = ganbench(*QUIET, "--workers", "1", "--only", "variant=hungry")
    assert done.returncode == 0 and json.loads(done.stdout)["done"] == 2, done.stderr
    assert done.stderr.count("tried again in packs of half the seeds") == 1
    packs = json.loads((site / "results/suites/small.json").read_text())["packs"]
    widths = [(run_id.partition("-")[0], len(pack)) for run_id, pack in packs.items()]
    assert sorted(widths) == [("hungry", 1), ("hungry", 1), ("ns", 2), ("ns", 2)]
    (site / "memory").unlink()
    single = ganbench(*QUIET, *INLINE, "--only", "variant=hungry", "--pack", "1", "--results", "undisturbed")
    assert single.returncode == 0, single.stderr
    assert table(ganbench, "results") == table(ganbench, "undisturbed")
    again = ganbench(*QUIET, *INLINE, "--only", "variant=hungry")
    assert json.loads(again.stdout)["skipped"] == 2, "nothing is done twice"


def test_a_run_that_never_fits_fails_with_what_to_do(ganbench: Run, site: Path) -> None:
    (site / "memory").write_text("always")
    done = ganbench(*QUIET, "--workers", "1", "--seeds", "1")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    summary = json.loads(done.stdout)
    assert (summary["done"], summary["failed"]) == (1, 1), "the other run is done"
    (failure,) = [line for line in done.stderr.splitlines() if "failed  " in line]
    assert "use a smaller batch or network, or a device with more memory, and add --retry-failed" in failure
    (site / "memory").unlink()
    retried = ganbench(*QUIET, *INLINE, "--seeds", "1", "--retry-failed")
    assert retried.returncode == 0, retried.stderr
