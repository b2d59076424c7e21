"""What only a GPU can show: CUDA graphs, packs, resuming, precision and evaluation on the device."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ganbench import testing
from ganbench.datasets.base import Data
from ganbench.datasets.digits import Digits
from ganbench.datasets.ring8 import Ring8
from ganbench.evaluators.fid import FID
from ganbench.evaluators.precision_recall import PrecisionRecall
from ganbench.features.bank import Bank, evaluate
from ganbench.networks.dcgan import DCGAN
from ganbench.optimizers.adam import Adam
from ganbench.optimizers.base import Optimizer
from ganbench.optimizers.rmsprop import RMSprop
from ganbench.optimizers.rmsprop_tf import RMSpropTF
from ganbench.optimizers.sgd import SGD
from ganbench.spec import Arithmetic, RunSpec, run_spec
from ganbench.testing.claim import same
from ganbench.training.graphs import WARM_UP
from ganbench.training.snapshot import RunSnapshot
from ganbench.training.state import Place
from ganbench.training.trainer import train

pytestmark = pytest.mark.gpu

CUDA = "cuda:0"
STEPS = WARM_UP + 5
IMAGES = testing.small_run(dataset=Digits(), network=DCGAN(z=4, width=4, batchnorm="both"), steps=STEPS)
POINTS = testing.small_run(steps=STEPS)
RUNS = pytest.mark.parametrize("spec", [POINTS, IMAGES], ids=["points", "images"])


def end(specs: list[RunSpec], data: Data, place: Place) -> tuple[RunSnapshot, ...]:
    (snapshot,) = train(specs, data, (specs[0].steps,), place)
    assert (snapshot.eager is None) == (place.record is not None), snapshot.eager
    return snapshot.runs


@RUNS
@pytest.mark.parametrize("pack", [1, 3])
def test_graphs_give_the_numbers_of_the_operations(spec: RunSpec, pack: int) -> None:
    specs, data = [replace(spec, seed=seed) for seed in range(pack)], spec.dataset.load(None)
    executed, recorded = end(specs, data, Place(CUDA)), end(specs, data, Place.of(CUDA))
    for one, other in zip(executed, recorded, strict=True):
        assert same(one.checkpoint(), other.checkpoint()) and one.terms == other.terms


@pytest.mark.parametrize("rule", [RMSprop(momentum=0.5), RMSpropTF(), SGD(momentum=0.5)], ids=lambda r: r.kind())
def test_optimizers_are_capturable(rule: Optimizer) -> None:
    spec, data = replace(POINTS, optimizer=rule), Ring8().load(None)
    executed, recorded = end([spec], data, Place(CUDA)), end([spec], data, Place.of(CUDA))
    assert same(executed[0].checkpoint(), recorded[0].checkpoint())


@RUNS
def test_a_pack_equals_its_runs_in_float64(spec: RunSpec) -> None:
    place = replace(Place.of(CUDA), dtype=torch.float64)
    specs, data = [replace(spec, seed=seed) for seed in range(3)], spec.dataset.load(None)
    for single, in_pack in zip(specs, end(specs, data, place), strict=True):
        alone = end([single], data, place)[0].generator()
        gaps = [float((tensor - alone[name]).abs().max()) for name, tensor in in_pack.generator().items()]
        assert max(gaps) < 1e-9


@RUNS
@pytest.mark.parametrize("rule", [Adam(), RMSprop(momentum=0.5)], ids=lambda rule: rule.kind())
@pytest.mark.parametrize(("first", "then"), [(CUDA, CUDA), ("cpu", CUDA), (CUDA, "cpu")])
def test_resuming(spec: RunSpec, rule: Optimizer, first: str, then: str) -> None:
    """On one GPU to the numbers of a run without a break; on another device as closely as devices agree."""
    spec, data = replace(spec, optimizer=rule, steps=2 * STEPS), spec.dataset.load(None)
    half = next(train([spec], data, (STEPS,), Place.of(first))).runs[0].checkpoint()
    (resumed,) = train([spec], data, (2 * STEPS,), Place.of(then), [half])
    (straight,) = train([spec], data, (2 * STEPS,), Place.of(then))
    pairs = zip(straight.runs[0].generator().values(), resumed.runs[0].generator().values(), strict=True)
    assert max(float((a - b).abs().max()) for a, b in pairs) <= (1e-6 if first == then else 1e-2)


@pytest.mark.parametrize("arithmetic", [Arithmetic(precision="bf16"), Arithmetic(memory_format="channels_last")])
def test_other_arithmetic_trains_and_is_recorded(arithmetic: Arithmetic) -> None:
    (run,) = end([run_spec(arithmetic=arithmetic, **vars(IMAGES))], Digits().load(None), Place.of(CUDA))
    assert run.diverged is None and run.terms


def test_scores_of_the_device_are_those_of_the_cpu(tmp_path: Path) -> None:
    data = Digits().load(None)
    evaluators = [FID(features="pixels"), PrecisionRecall(features="pixels")]
    scores = []
    for device in ("cpu", CUDA):
        real = Bank(tmp_path / device.replace(":", ""), device).reference(data)
        view = real.view(data.train.x[:200])
        scores.append([score.value for _, _, score in evaluate(view, real, evaluators, 0)])
    assert scores[0] == pytest.approx(scores[1], rel=1e-5)
