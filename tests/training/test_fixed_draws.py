"""Draws that a variant asks for once: LSGAN-GP's noise, which the authors' code draws as it builds its graph."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import pytest
import torch
from torch import Tensor

from ganbench import testing
from ganbench.datasets.base import Data, Space
from ganbench.datasets.ring8 import Ring8
from ganbench.spec import RunSpec
from ganbench.training.draws import noise
from ganbench.training.packs import row
from ganbench.training.trainer import train
from ganbench.variants.base import Batch, Draw, LossTerms, Players, Variant
from ganbench.variants.lsgan_gp import LSGANGP


@dataclass(frozen=True, kw_only=True)
class Peeking(Variant):
    """Writes down its draws, one of which stays."""

    version: ClassVar[int] = 1
    source: ClassVar[str] = "this test"
    seen: ClassVar[list[dict[str, Tensor]]] = []

    def d_loss(self, net: Players, batch: Batch) -> LossTerms:
        self.seen.append({name: tensor.clone() for name, tensor in batch.noise.items()})
        return {"all": net.d(batch.x).mean() - net.d(net.g(batch.z)).mean()}

    def g_loss(self, net: Players, batch: Batch) -> LossTerms:
        return {"all": net.d(net.g(batch.z)).mean()}

    def noise(self, n: int, space: Space) -> dict[str, Draw]:
        return {"frozen": Draw((n, *space.shape), "uniform", once=True), "fresh": Draw((n,), "uniform")}


@pytest.fixture
def ring() -> Iterator[Data]:
    Peeking.seen.clear()
    yield Ring8().load(None)


def test_frozen_noise_is_the_same_tensor_in_every_step(ring: Data) -> None:
    list(train([testing.small_run(variant=Peeking(), steps=4)], ring, (4,)))
    frozen, fresh = ([draws[name] for draws in Peeking.seen] for name in ("frozen", "fresh"))
    assert len(frozen) == 4 and frozen[0].shape == (8, 2) and frozen[0].min() >= 0 and frozen[0].max() < 1
    assert all(torch.equal(tensor, frozen[0]) for tensor in frozen)
    assert not any(torch.equal(tensor, fresh[0]) for tensor in fresh[1:])


def test_frozen_noise_outlives_a_stop(ring: Data) -> None:
    spec = testing.small_run(variant=Peeking(), steps=4)
    checkpoint = next(train([spec], ring, (2, 4))).runs[0].checkpoint()
    before = Peeking.seen[0]["frozen"]
    Peeking.seen.clear()
    list(train([spec], ring, (2, 4), resume=[checkpoint]))
    assert len(Peeking.seen) == 2 and all(torch.equal(draws["frozen"], before) for draws in Peeking.seen)


def test_each_seed_has_its_own(ring: Data) -> None:
    for seed in range(2):
        list(train([testing.small_run(variant=Peeking(), steps=1, seed=seed)], ring, (1,)))
    assert not torch.equal(Peeking.seen[0]["frozen"], Peeking.seen[1]["frozen"])


@pytest.mark.parametrize("frozen", [False, True])
def test_lsgan_gp_freezes_the_direction_alone(frozen: bool) -> None:
    spec = testing.small_run(variant=LSGANGP(frozen=frozen))
    first, second = (drawn(spec, generator_seed) for generator_seed in (1, 2))
    assert torch.equal(first["direction"], second["direction"]) == frozen
    assert not torch.equal(first["share"], second["share"])


def drawn(spec: RunSpec, state: int) -> dict[str, Tensor]:
    """The draws of an update, with the run's stream at some state."""
    return row(noise([spec], spec.variant, spec.batch, Space((2,)), [torch.Generator().manual_seed(state)]), 0)


def test_frozen_runs_pack_and_resume(ring: Data) -> None:
    spec = testing.small_run(variant=LSGANGP(frozen=True))
    testing.check_run(spec, ring)
    ends = [list(train([one], ring, (4,)))[-1].runs[0].generator() for one in (spec, replace(spec, variant=LSGANGP()))]
    assert not any(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])
