"""What somebody new does, from the documentation alone: components of one's own in a notebook, and a gate in CI."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.e2e.conftest import INLINE, Run, ganbench
from tests.support.pages import ROOT, code

__all__ = ["ganbench"]

OWN = "docs/how-to/add-your-own.md"
CHECKS = """\
scores = run.scores.set_index(["step", "metric"])["value"]
again = gb.evaluate(x, Moons(), [Spread(), "wasserstein_1"])
assert abs(again["spread"] - scores[20, "spread"]) < 1e-6, "the metric in the suite and in the notebook"
assert abs(again["wasserstein_1"] - scores[20, "wasserstein_1"]) < 1e-6
assert list(results.claims()["n"]) == [6]
z = torch.randn(5, 8)
assert torch.allclose(generator(z), run.generator()(z), atol=1e-6)
print(repr(suite))
"""
WRONG = 'gb.Suite("wrong", {"variant": "my_gam", "dataset": "ring8", "steps": 1}, plugins=["my_gan.py"])'
GATE = """\
name: gate
grid: {variant: ns, dataset: ring8, seed: 7}
train:
  steps: 20
  batch: 16
  network: {kind: mlp, z: 2, g_widths: [16], d_widths: [16]}
  optimizer: {kind: adam, lr: 1e-3}
evaluate: {every: 20, samples: 100, with: [wasserstein]}
"""
PAIRS = [("before/", "after/"), ("before.zip", "after/"), ("before.zip", "worse/"), ("few/", "few/")]


def test_components_of_ones_own_in_a_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A loss, penalty, network, dataset, metric and suite; a wrong suite shows its mistake and no traceback."""
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    notebook = nbformat.read(ROOT / "docs" / "how-to" / "own-components.ipynb", as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells), "its outputs are not kept"
    sources = [cell.source for cell in notebook.cells]
    assert f"%%writefile my_gan.py\n{code(OWN, 'A GAN: `my_gan.py`')}".rstrip() in sources
    checks, wrong = nbformat.v4.new_code_cell(CHECKS), nbformat.v4.new_code_cell(WRONG)
    wrong.metadata["tags"] = ["raises-exception"]
    notebook.cells += [checks, wrong]
    NotebookClient(notebook, timeout=240, resources={"metadata": {"path": str(tmp_path)}}).execute()
    said = "".join(output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", ()))
    assert "own: 12 done, 0 diverged, 0 failed" in said and "check --power" not in said, "the suite has no file"
    assert checks.outputs[-1].text == "Suite('own', 12 runs, 0 excluded)\n"
    (error,) = wrong.outputs
    mistake, *rest = error.traceback
    assert mistake.startswith("SuiteError: grid.variant  there is no variant 'my_gam'. did you mean 'my_gan'?")
    assert rest == ["1 mistake; nothing was run."]


def test_a_gate(ganbench: Run, tmp_path: Path) -> None:
    """As the page writes it: 0 for equal results, 1 for worse ones, 2 where the seeds are too few; an archive too."""
    (tmp_path / "gate.yaml").write_text(GATE)
    for folder, *change in (["before"], ["after"], ["worse", "--set", "train.optimizer.lr=1"], ["few", "--seeds", "2"]):
        done = ganbench("run", "gate.yaml", "--results", folder, "--tracking-uri", "none", *INLINE, *change)
        assert done.returncode == 0, done.stderr
    assert ganbench("archive", "gate", "--out", "before.zip", "--results", "before").returncode == 0
    equal, archived, worse, few = (ganbench("report", *pair, "--fail-on", "worse") for pair in PAIRS)
    assert [done.returncode for done in (equal, archived, worse, few)] == [0, 0, 1, 2]
    assert "2 differences: 0 better, 0 worse" in equal.stdout and "1 worse" in worse.stdout
    assert "WORSE" in worse.stdout and "it takes at least 7 pairs. Run more seeds." in few.stderr
