"""The health record of training: what it says, and that it changes nothing."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from ganbench.datasets.base import Data
from ganbench.datasets.ring8 import Ring8
from ganbench.networks.dcgan import DCGAN
from ganbench.optimizers.sgd import SGD
from ganbench.spec import RunSpec
from ganbench.training import health
from ganbench.training.health import verdicts
from ganbench.training.snapshot import flat
from ganbench.training.state import Place
from ganbench.training.trainer import train
from ganbench.variants.base import LOGITS, Batch, DecisionBoundary, Player, Players, Variant
from ganbench.variants.ebgan import EBGAN
from ganbench.variants.hinge import Hinge
from ganbench.variants.lsgan import LSGAN
from ganbench.variants.ns import NonSaturating
from ganbench.variants.wgan import WGAN
from tests.contract.test_variants import OTHERS, RUNS, named
from tests.support.evaluation import image_data
from tests.training.test_options import SMALL, spec_of

ONE_OF_EACH = list({spec.variant.kind(): spec for spec in reversed((*RUNS, *OTHERS))}.values())
STEADY = [spec for spec in ONE_OF_EACH if spec.dataset.kind() in ("ring8", "digits")]


@pytest.fixture(scope="module")
def ring() -> Data:
    return Ring8().load(None)


def verdicts_on(real: list[float], fake: list[float], variant: Variant) -> dict[str, float]:
    """The verdicts on given scores: D returns its samples, G its latents."""
    same = Player(lambda params, x: x, {})
    batch = Batch(torch.tensor(real), torch.tensor(fake))
    return {name: value.item() for name, value in verdicts(variant, Players(same, same), batch).items()}


# --- what it says ---


# pairs in order: 2 above all three, 0 above -5 and tied with 0, -1 above -5; log 99 = 4.6
def test_scores_that_are_logits() -> None:
    assert verdicts_on([2.0, 0.0, -1.0], [1.0, 0.0, -5.0], NonSaturating()) == {
        "d_order": pytest.approx((3 + 1.5 + 1) / 9),
        "d_accuracy_real": pytest.approx(1 / 3),
        "d_accuracy_fake": pytest.approx(1 / 3),
        "d_saturated": pytest.approx(1 / 6),
    }


def test_borders_are_those_of_the_objective() -> None:
    assert NonSaturating().decision_boundary() == LOGITS == DecisionBoundary(0.0, math.log(99))
    assert LSGAN().decision_boundary() == DecisionBoundary(0.5) and LSGAN(
        a=-1, b=1, c=0
    ).decision_boundary() == DecisionBoundary(0.0)
    assert LSGAN(a=1, b=0).decision_boundary() is None, "higher is not more real there"
    found = verdicts_on([0.6, 0.4], [0.3, 0.2], LSGAN())
    assert found == {"d_order": 1, "d_accuracy_real": 0.5, "d_accuracy_fake": 1}  # squares are flat nowhere
    assert verdicts_on([1.5, 0.5], [-2.0, -0.5], Hinge())["d_saturated"] == 0.5
    assert verdicts_on([0.0], [0.0], NonSaturating())["d_accuracy_fake"] == 0, "a dead D is right about nothing"


def test_a_critic_has_an_order_only() -> None:
    assert verdicts_on([5.0, 7.0], [6.0, 4.0], WGAN()) == {"d_order": 0.75}
    assert verdicts_on([105.0, 107.0], [106.0, 104.0], WGAN()) == {"d_order": 0.75}


def test_energies_are_lower_for_reals() -> None:
    """D reconstructs everything as 0, so that a sample's energy is its length."""
    d = Player(lambda params, x, part="": torch.zeros_like(x), {})
    g = Player(lambda params, z: z, {})
    batch = Batch(torch.tensor([[1.0], [2.0]]), torch.tensor([[3.0], [1.5]]))
    found = verdicts(EBGAN(), Players(g, d), batch)
    assert {name: value.item() for name, value in found.items()} == {"d_order": 0.75}


@pytest.mark.parametrize("player", ["d", "g"])
def test_gradient_norms_are_those_of_the_last_update(player: str, ring: Data, monkeypatch: pytest.MonkeyPatch) -> None:
    """Plain gradient descent at rate 1 moves the parameters by the gradient."""
    monkeypatch.setattr(health, "EVERY", 1)
    spec = spec_of(optimizer=SGD(lr=1.0, momentum=0.0), steps=3)
    before, after = list(train([spec], ring, (2, 3), Place(dtype=torch.float64)))
    # the checkpoint is of the state as it is, so the run is done again up to its second step
    (again,) = train([replace(spec, steps=3)], ring, (2,), Place(dtype=torch.float64))
    old, new = (snapshot.runs[0].checkpoint()["nets"][player]["weights"] for snapshot in (again, after))
    moved = torch.cat([(new[name] - old[name]).flatten() for name in old]).norm().item()
    norms = [snapshot.runs[0].terms["health"][f"{player}_gradient"] for snapshot in (before, after)]
    assert norms[1] == pytest.approx(moved, rel=1e-9) and norms[0] != norms[1]


def test_it_is_recorded_once_in_a_while(ring: Data) -> None:
    spec = spec_of(steps=100)
    rows = [(snapshot.step, snapshot.runs[0].terms) for snapshot in train([spec], ring, (5, 19, 20, 21, 38, 41, 100))]
    for name in ("d_order", "d_gradient", "g_gradient"):
        assert [step for step, terms in rows if name in terms.get("health", {})] == [20, 41, 100]


def test_a_resumed_run_has_the_same_record(ring: Data) -> None:
    spec, stops = spec_of(steps=60), (15, 30, 45, 60)
    whole = {snapshot.step: snapshot.runs[0].terms for snapshot in train([spec], ring, stops)}
    checkpoint = next(iter(train([spec], ring, (30,)))).runs[0].checkpoint()
    rest = {snapshot.step: snapshot.runs[0].terms for snapshot in train([spec], ring, stops, resume=[checkpoint])}
    assert rest == {step: whole[step] for step in (45, 60)}


def test_a_pack_has_the_records_of_its_runs(monkeypatch: pytest.MonkeyPatch, ring: Data) -> None:
    monkeypatch.setattr(health, "EVERY", 1)
    specs = [spec_of(network=replace(SMALL, batchnorm="both"), steps=4, seed=seed) for seed in range(3)]
    (together,) = train(specs, ring, (4,), Place(dtype=torch.float64))
    for run, spec in zip(together.runs, specs, strict=True):
        (alone,) = train([spec], ring, (4,), Place(dtype=torch.float64))
        assert set(run.terms["health"]) == {
            "d_gradient", "g_gradient", "d_order", "d_accuracy_real", "d_accuracy_fake", "d_saturated",
        }  # fmt: skip
        assert flat(run.terms) == pytest.approx(flat(alone.runs[0].terms), abs=1e-9)


# --- that it changes nothing ---


def tensors(checkpoint: Any, place: str = "") -> dict[str, Tensor]:
    """Every tensor of a checkpoint by its place: weights, buffers, optimizers, streams, what is carried."""
    if isinstance(checkpoint, Tensor):
        return {place: checkpoint}
    items = checkpoint.items() if isinstance(checkpoint, dict) else ()
    return {name: t for key, value in items for name, t in tensors(value, f"{place}/{key}").items()}


def ended(specs: list[RunSpec], data: Data, every: int, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Tensor]]:
    monkeypatch.setattr(health, "EVERY", every)
    steps = specs[0].steps
    snapshot = list(train(specs, data, range(1, steps + 1)))[-1]
    assert any("health" in run.terms for run in snapshot.runs) == (every == 1)
    return [tensors(run.checkpoint()) for run in snapshot.runs]


def check_untouched(specs: list[RunSpec], data: Data, monkeypatch: pytest.MonkeyPatch) -> None:
    with_it, without = (ended(specs, data, every, monkeypatch) for every in (1, 10**6))
    for one, other in zip(with_it, without, strict=True):
        assert one.keys() == other.keys() and len(one) > 10
        assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("spec", STEADY, ids=named)
def test_training_is_the_same_bit_for_bit(spec: RunSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    check_untouched([replace(spec, steps=3)], spec.dataset.load(None), monkeypatch)


@pytest.mark.parametrize("seeds", [1, 2])
def test_batch_norm_keeps_its_statistics(seeds: int, monkeypatch: pytest.MonkeyPatch) -> None:
    network = DCGAN(z=4, width=4, batchnorm="both")
    specs = [spec_of(network=network, steps=4, seed=seed) for seed in range(seeds)]
    check_untouched(specs, image_data(40), monkeypatch)
