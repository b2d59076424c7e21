"""Numbers of the datasets, each from a derivation that doesn't use ganbench, keyed by (kind, version)."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch

from ganbench.datasets.base import Data, Split
from ganbench.datasets.digits import Digits
from ganbench.datasets.grid25 import Grid25
from ganbench.datasets.ring8 import Ring8

pytestmark = pytest.mark.golden


def published_ring(angles: int) -> tuple[np.ndarray, np.ndarray]:
    """The distinct modes and weights of published code that takes `angles` of [0, 2 pi], both ends included."""
    theta = np.linspace(0, 2 * np.pi, angles)
    points = np.round(np.stack([np.sin(theta), np.cos(theta)], axis=1), 6) + 0.0
    centres, times = np.unique(points, axis=0, return_counts=True)
    return centres, times / angles


def sorted_modes(data: Data) -> tuple[np.ndarray, np.ndarray]:
    assert data.modes is not None
    centres = np.round(data.modes.centres.double().numpy(), 6) + 0.0
    order = np.lexsort(centres.T[::-1])
    return centres[order], data.modes.weights.numpy()[order]


@pytest.mark.parametrize(("layout", "angles", "distinct"), [("mao9", 9, 8), ("poolio8", 8, 7)])
def test_ring_layouts_are_the_published_ones(layout: str, angles: int, distinct: int) -> None:
    assert Ring8.version == 1
    centres, weights = sorted_modes(Ring8(layout=layout).load(None))  # type: ignore[arg-type]
    wanted_centres, wanted_weights = published_ring(angles)
    assert len(centres) == distinct
    np.testing.assert_allclose(centres, wanted_centres, atol=2e-6)
    np.testing.assert_allclose(weights, wanted_weights, rtol=1e-12)


@pytest.mark.parametrize(
    ("layout", "heavy", "kl"),
    [
        ("exact", 1 / 8, 0.0),
        ("mao9", 2 / 9, 2 / 9 * math.log(16 / 9) + 7 / 9 * math.log(8 / 9)),  # 0.0362
        ("poolio8", 2 / 8, 1 / 4 * math.log(7 / 4) + 3 / 4 * math.log(7 / 8)),  # 0.0398
    ],
)
def test_divergence_of_the_ring_from_uniform(layout: str, heavy: float, kl: float) -> None:
    modes = Ring8(layout=layout).load(None).modes  # type: ignore[arg-type]
    assert modes is not None
    nats = sum(w * math.log(w * len(modes.weights)) for w in modes.weights.tolist())
    assert nats == pytest.approx(kl, abs=1e-12)
    assert modes.weights[0].item() == pytest.approx(heavy)
    assert modes.centres[0].tolist() == pytest.approx([0.0, 1.0])


def test_neighbours_on_the_ring() -> None:
    modes = Ring8().load(None).modes
    assert modes is not None
    distances = torch.cdist(modes.centres.double(), modes.centres.double()).fill_diagonal_(9)
    assert distances.min(dim=1).values.tolist() == pytest.approx([0.7653668647] * 8, abs=1e-6)  # 2 sin(pi / 8)


def test_grid_is_pacgans_and_scaled_wgan_gps() -> None:
    assert Grid25.version == 1
    wanted = {(float(x), float(y)) for x in (-4, -2, 0, 2, 4) for y in (-4, -2, 0, 2, 4)}
    modes = Grid25().load(None).modes
    assert modes is not None and modes.std == 0.05
    assert set(map(tuple, modes.centres.tolist())) == wanted
    assert modes.weights.tolist() == pytest.approx([0.04] * 25)
    toy = Grid25(scale=1 / 2.828).load(None).modes
    assert toy is not None
    assert toy.std == pytest.approx(0.05 / 2.828)
    assert toy.centres.max().item() == pytest.approx(4 / 2.828)


def test_digits_are_scikit_learns() -> None:
    from sklearn.datasets import load_digits

    data = Digits().load(None)
    ours = sorted(
        (x.flatten().tolist(), y.item()) for s in (data.train, data.validation, data.test) for x, y in pairs(s)
    )
    levels = [0, 16, 32, 48, 64, 80, 96, 112, 128, 143, 159, 175, 191, 207, 223, 239, 255]  # v * 255 / 16, 127.5 up
    images, target = load_digits(return_X_y=True)
    theirs = sorted(([levels[int(v)] for v in row], int(y)) for row, y in zip(images, target, strict=True))
    assert ours == theirs


def pairs(split: Split) -> zip[tuple[torch.Tensor, torch.Tensor]]:
    assert split.y is not None
    return zip(split.x, split.y, strict=True)


FIXED: dict[tuple[str, int], tuple[Callable[[], Data], tuple[str, str, str]]] = {
    ("digits", 1): (lambda: Digits().load(None), ("6161af1f", "ecbb3c8a", "b3590a0a")),
}


@pytest.mark.parametrize("key", FIXED)
def test_splits_stay_what_they_were(key: tuple[str, int]) -> None:
    """A changed split changes every number measured on it: raise the version and say so in the changelog."""
    load, wanted = FIXED[key]
    data = load()
    for split, start in zip((data.train, data.validation, data.test), wanted, strict=True):
        assert split.y is not None
        assert hashlib.sha256(split.x.numpy().tobytes() + split.y.numpy().tobytes()).hexdigest().startswith(start)
