"""What a variant measures of its own networks: on the test split, by name, a score like any other."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar

import pytest
import torch
from torch import Tensor

from ganbench.datasets.base import Data
from ganbench.datasets.digits import Digits
from ganbench.executors.inline import Inline
from ganbench.networks.mlp import MLP
from ganbench.report import format_report
from ganbench.results.manifest import write_manifest
from ganbench.results.store import Store
from ganbench.results.table import tidy
from ganbench.runner.plan import job_of
from ganbench.runner.rows import own_rows
from ganbench.runner.run import manifest
from ganbench.runner.settings import WorkerSettings
from ganbench.suite import load
from ganbench.suite.evaluation import own_metrics
from ganbench.training.trainer import train
from ganbench.variants.base import Batch, Better, Players
from ganbench.variants.ns import NonSaturating
from tests.support.jobs import SPEC


@dataclass(frozen=True, kw_only=True)
class Watching(NonSaturating):
    """Measures what can be known from outside, and what its discriminator says."""

    version = 1
    source = "this test"
    measures: ClassVar[Mapping[str, Better]] = MappingProxyType({"label": "neither", "ink": "lower", "score": "higher"})

    def measure(self, net: Players, batch: Batch) -> dict[str, Tensor]:
        assert batch.y is not None
        return {"label": batch.y, "ink": batch.x.flatten(1).mean(1), "score": net.d(net.g(batch.z))}


WATCHING = """
from dataclasses import dataclass
from typing import ClassVar
from ganbench.variants.ns import NonSaturating

@dataclass(frozen=True, kw_only=True)
class Watching(NonSaturating):
    version = 1
    source = "a test"
    measures = {"ink": "lower"}

    def measure(self, net, batch):
        return {"ink": batch.x.flatten(1).mean(1)}
"""
SUITE = """
name: watch
plugins: [watching.py]
grid: {variant: watching, dataset: ring8}
train: {steps: 2, batch: 4, network: {kind: mlp, z: 2, g_widths: [4], d_widths: [4]}}
evaluate: {every: 1, samples: 10}
"""
DIGITS = replace(
    SPEC, variant=Watching(), dataset=Digits(), network=MLP(z=4, g_widths=(8,), d_widths=(8,), batchnorm="both")
)


@pytest.fixture(scope="module")
def digits() -> Data:
    return Digits().load(None)


def test_the_means_over_the_test_split_are_scores(digits: Data) -> None:
    run = next(train([DIGITS], digits, (3,))).runs[0]
    rows = {row["metric"]: row for row in own_rows(run)[0]}
    assert list(rows) == ["label", "ink", "score"]
    assert rows["label"]["value"] == pytest.approx(digits.test.y.double().mean().item())  # type: ignore[union-attr]
    ink = (digits.test.x.double() / 127.5 - 1).flatten(1).mean(1)
    assert rows["ink"]["value"] == pytest.approx(ink.mean().item(), rel=1e-6)
    assert rows["ink"]["stderr"] == pytest.approx(ink.std().item() / len(ink) ** 0.5, rel=1e-6)
    assert rows["ink"]["n"] == rows["ink"]["n_reference"] == len(digits.test)


def test_measuring_changes_no_training_and_can_be_repeated(digits: Data) -> None:
    spec = replace(DIGITS, steps=6)
    measured, found = [], train([spec], digits, (3, 6))
    for snapshot in found:
        measured.append([snapshot.runs[0].measures() for _ in range(2)])
        weights = snapshot.runs[0].generator()
    untouched = list(train([spec], digits, (3, 6)))[-1].runs[0].generator()
    assert all(torch.equal(weights[name], untouched[name]) for name in weights)
    assert measured[0][0] == measured[0][1]
    assert measured[0][0]["score"] != measured[1][0]["score"], "the networks have moved on"


def test_packs_of_samples_and_packs_of_runs_measure_alike(digits: Data) -> None:
    specs = [replace(DIGITS, seed=seed) for seed in range(2)]
    alone = [next(train([spec], digits, (2,))).runs[0].measures()["score"].value for spec in specs]
    together = [run.measures()["score"].value for run in next(train(specs, digits, (2,))).runs]
    assert together == pytest.approx(alone, rel=1e-4)


def test_a_variant_that_measures_nothing_has_no_rows(digits: Data) -> None:
    plain = replace(DIGITS, variant=NonSaturating())
    assert own_rows(next(train([plain], digits, (1,))).runs[0]) == ([], [])


def test_the_report_reads_them_from_the_files(tmp_path: Path) -> None:
    plugin, suite = tmp_path / "watching.py", tmp_path / "watch.yaml"
    plugin.write_text(WATCHING)
    suite.write_text(SUITE)
    loaded = load(suite)
    store = Store(tmp_path / "results").open()
    write_manifest(store, replace(manifest(loaded), suite="watch"))
    settings = WorkerSettings(store.root, plugins=loaded.plugins)
    ended = Inline().run([job_of(loaded, loaded.specs)], [settings], lambda event: None)
    assert [end.status for end in ended] == ["done"]
    table = tidy(store, "watch")
    ink = table[table["metric"] == "ink"]
    assert list(ink["step"]) == [1, 2] and ink["n"].unique().tolist() == [10_000]
    (cell,) = json.loads(format_report(store, "watch", "json", None))["sections"][0]["cells"]
    assert cell["metrics"]["ink"]["headline"]["mean"] == pytest.approx(ink["value"].iloc[-1])


def test_a_suite_knows_the_measures_of_its_variants_by_name() -> None:
    metrics = own_metrics([Watching(), NonSaturating(), Watching(real_target=0.9)])
    assert [(metric.name, metric.better) for metric in metrics] == [
        ("label", "neither"), ("ink", "lower"), ("score", "higher")]  # fmt: skip
