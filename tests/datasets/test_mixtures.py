"""Rings and grids: distinct modes, drawn as often as declared, at the declared place and spread."""

from __future__ import annotations

import pytest
import torch
from scipy import stats

from ganbench.datasets.base import Data, Dataset, Modes, Space
from ganbench.datasets.grid25 import Grid25
from ganbench.datasets.parts.mixtures import sample
from ganbench.datasets.ring8 import Ring8
from ganbench.rng import stream

MIXTURES = [
    Ring8(),
    Ring8(layout="mao9"),
    Ring8(layout="poolio8"),
    Ring8(radius=2.0, std=0.02),
    Grid25(),
    Grid25(scale=0.35361),
]


def loaded(dataset: Dataset) -> tuple[Data, Modes]:
    data = dataset.load(None)
    assert data.modes is not None
    return data, data.modes


def drawn(dataset: Dataset, n: int = 20_000) -> torch.Tensor:
    return loaded(dataset)[0].draw(n, stream(7, "data"))


@pytest.mark.parametrize("dataset", MIXTURES, ids=lambda d: d.notation())
class TestEveryMixture:
    def test_modes_are_distinct(self, dataset: Dataset) -> None:
        _, modes = loaded(dataset)
        distances = torch.cdist(modes.centres, modes.centres).fill_diagonal_(torch.inf)
        assert distances.min() > 10 * modes.std
        assert modes.weights.sum().item() == pytest.approx(1)

    def test_modes_are_drawn_by_their_weights(self, dataset: Dataset) -> None:
        _, modes = loaded(dataset)
        x = drawn(dataset)
        counts = torch.cdist(x, modes.centres).argmin(dim=1).bincount(minlength=len(modes.centres))
        assert stats.chisquare(counts.numpy(), modes.weights.numpy() * len(x)).pvalue > 0.001
        if len(modes.weights.unique()) > 1:  # the test can fail: equal weights don't fit
            assert stats.chisquare(counts.numpy()).pvalue < 1e-6

    def test_points_lie_about_their_centre_as_declared(self, dataset: Dataset) -> None:
        _, modes = loaded(dataset)
        x = drawn(dataset)
        residual = (x - modes.centres[torch.cdist(x, modes.centres).argmin(dim=1)]).double().flatten()
        error = modes.std / (2 * len(residual)) ** 0.5  # standard error of a standard deviation
        assert residual.std().item() == pytest.approx(modes.std, abs=4 * error)
        assert abs(residual.mean().item()) < 4 * modes.std / len(residual) ** 0.5
        inside = (residual.view(-1, 2).norm(dim=1) < 3 * modes.std).double().mean().item()
        assert inside == pytest.approx(0.98889, abs=4 * (0.98889 * 0.01111 / len(x)) ** 0.5)  # 1 - exp(-9/2)

    def test_splits_are_the_same_every_time_and_differ_from_each_other(self, dataset: Dataset) -> None:
        first, again = dataset.load(None), dataset.load(None)
        for name in ("train", "validation", "test"):
            assert torch.equal(getattr(first, name).x, getattr(again, name).x)
        assert len(first.validation) == len(first.test) == 10_000
        assert not torch.equal(first.validation.x, first.test.x)
        assert not torch.equal(first.train.x, first.test.x)

    def test_rests_as_float32_points(self, dataset: Dataset) -> None:
        data, _ = loaded(dataset)
        assert data.space == dataset.space(None) == Space((2,))
        assert data.train.x.dtype == torch.float32 and data.train.y is None
        assert type(dataset).has_modes


def test_ring_lies_on_its_circle() -> None:
    _, modes = loaded(Ring8(radius=2.5))
    assert modes.centres.double().norm(dim=1).tolist() == pytest.approx([2.5] * 8)


def test_fresh_draws_come_from_the_generator_alone() -> None:
    data, _ = loaded(Ring8())
    state = torch.random.get_rng_state()
    first = data.draw(64, stream(3, "data"))
    assert torch.equal(first, data.draw(64, stream(3, "data")))
    assert not torch.equal(first, data.draw(64, stream(4, "data")))
    assert torch.equal(state, torch.random.get_rng_state())


def test_fresh_draws_are_new_and_fixed_ones_are_drawn_again() -> None:
    fresh, fixed = Ring8().load(None), Ring8(points=50).load(None)
    assert not torch.isin(fresh.draw(100, stream(0, "data")), fresh.train.x).all()
    assert fixed.fresh is None and len(fixed.train) == 50
    rows = fixed.draw(200, stream(0, "data"))
    assert (torch.cdist(rows, fixed.train.x, compute_mode="donot_use_mm_for_euclid_dist").min(dim=1).values == 0).all()


def test_samples_are_float32_whatever_the_default() -> None:
    _, modes = loaded(Ring8())
    torch.set_default_dtype(torch.float64)
    try:
        assert sample(modes, 3, stream(0, "data")).dtype == torch.float32
    finally:
        torch.set_default_dtype(torch.float32)
