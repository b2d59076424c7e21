"""How similar samples are: derivations of their own, keyed by (kind, version)."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.signal import convolve2d

from ganbench.datasets.base import Data, Space
from ganbench.evaluators.base import Evaluator, Score
from ganbench.evaluators.birthday import Birthday
from ganbench.evaluators.ms_ssim import MSSSIM
from ganbench.evaluators.parts.distances import blocks, closest_pairs
from ganbench.evaluators.parts.ssim import WEIGHTS, ms_ssim, pyramid, scales_of
from tests.support.evaluation import image_data, points_data, real_side, scores_of

pytestmark = pytest.mark.golden


@pytest.mark.parametrize(("evaluator", "version"), [(Birthday, 1), (MSSSIM, 2)])
def test_the_numbers_below_are_those_of_this_version(evaluator: type[Evaluator], version: int) -> None:
    assert evaluator.version == version, "its numbers changed: derive the values below anew"


# --- near-duplicates ---


def duplicates(fake: list[float], real: list[float], folder: Path, **options: int) -> dict[str, Score]:
    rows = [torch.tensor(side, dtype=torch.float64)[:, None] for side in (fake, real)]
    found = scores_of(Birthday(**options), real_side(points_data(rows[1]), folder).view(rows[0]))  # type: ignore[arg-type]
    return {name.removeprefix("birthday_").removesuffix("_pixels"): score for name, score in found.items()}


# real gaps 1, 2, 4: the second closest pair is 2 apart; generated pairs at 0, 1.5, 1.5, and 8.5 or more
def test_pairs_as_close_as_real_ones(tmp_path: Path) -> None:
    found = duplicates([0.0, 0.0, 1.5, 10.0], [0.0, 1.0, 3.0, 7.0], tmp_path, pairs=2)
    assert (found["duplicates"].value, found["support"].value) == (3, 4 * 3 / (2 * 3))
    assert found["support"].fingerprint["near"] == "2"
    assert duplicates([0.0, 9.0, 20.0], [0.0, 1.0, 3.0], tmp_path, pairs=1).keys() == {"duplicates"}


def test_real_samples_have_as_many_as_they_are_measured_by(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=300).tolist()
    assert duplicates(x, x, tmp_path)["duplicates"].value == 20
    assert duplicates(x, x, tmp_path, pairs=7, limit=100)["duplicates"].value == 7
    assert duplicates([0.5] * 30, [0.5] * 30, tmp_path)["support"].value == 1


# n even draws of N values: n (n - 1) / (2 N) equal pairs, nearly Poisson
@pytest.mark.parametrize("support", [50, 400])
def test_the_support_of_a_sampler_of_few_values(support: int, tmp_path: Path) -> None:
    n = 1000
    values = np.random.default_rng(support).integers(support, size=n) * 10.0
    found = duplicates(values.tolist(), (np.arange(n) * 1.0).tolist(), tmp_path)
    expected = n * (n - 1) / (2 * support)
    assert found["duplicates"].value == pytest.approx(expected, abs=4 * math.sqrt(expected))
    assert found["support"].value == pytest.approx(support, rel=5 / math.sqrt(expected))


def test_closest_pairs_are_those_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(1).normal(size=(60, 3)) + 100
    points = torch.tensor(x)
    wanted = sorted(((a - b) ** 2).sum() for a, b in itertools.combinations(x, 2))
    for block in (1, 7 * 60, 2**22):
        monkeypatch.setattr("ganbench.evaluators.parts.distances.BLOCK", block)
        np.testing.assert_allclose(closest_pairs(blocks(points, points), 9), wanted[:9], rtol=1e-9)
    assert len(closest_pairs(blocks(points[:3], points[:3]), 9)) == 3


# --- structural similarity ---


def similarity(x: np.ndarray, y: np.ndarray, scales: int) -> float:
    """Of two gray images in 0..255, from Wang's definition with convolutions."""
    away = np.arange(11) - 5
    line = np.exp(-(away**2) / (2 * 1.5**2))
    window = np.outer(line, line) / line.sum() ** 2
    c1, c2, value = 2.55**2, 7.65**2, 1.0

    def local(z: np.ndarray) -> np.ndarray:
        return convolve2d(z, window, mode="valid")

    for scale in range(scales):
        mx, my = local(x), local(y)
        vx, vy, vxy = local(x * x) - mx**2, local(y * y) - my**2, local(x * y) - mx * my
        found = (2 * vxy + c2) / (vx + vy + c2)
        if scale == scales - 1:
            found = found * (2 * mx * my + c1) / (mx**2 + my**2 + c1)
        value *= max(found.mean(), 0) ** (WEIGHTS[scale] / sum(WEIGHTS[:scales]))
        x, y = (z.reshape(len(z) // 2, 2, -1, 2).mean((1, 3)) for z in (x, y))
    return float(value)


@pytest.mark.parametrize(("side", "scales"), [(16, 1), (28, 2), (48, 3)])
def test_similarity_of_two_images(side: int, scales: int) -> None:
    rng = np.random.default_rng(side)
    x = rng.integers(0, 256, (side, side)).astype(float)
    y = (0.7 * x + 0.3 * rng.integers(0, 256, (side, side))).round()
    images = torch.tensor(np.stack([x, y]))[:, None].to(torch.uint8)
    found = ms_ssim(pyramid(images), torch.tensor([0]), torch.tensor([1]))
    assert scales_of(side, side) == scales
    assert found.item() == pytest.approx(similarity(x, y, scales), abs=1e-12)


@pytest.mark.parametrize(
    ("side", "scales"), [(8, 1), (20, 1), (21, 2), (28, 2), (32, 2), (64, 3), (160, 4), (161, 5), (512, 5)]
)
def test_scales_that_images_have(side: int, scales: int) -> None:
    assert scales_of(side, side) == scales_of(side, 2 * side) == scales


# flat images of levels a and b: structure is 1, luminance (2 a b + c1) / (a^2 + b^2 + c1) at the last scale
@pytest.mark.parametrize(("side", "weight"), [(8, 1.0), (28, 0.2856 / (0.0448 + 0.2856)), (161, 0.1333 / 1.0001)])
def test_similarity_of_flat_images(side: int, weight: float) -> None:
    images = torch.tensor([40, 160], dtype=torch.uint8)[:, None, None, None].expand(2, 3, side, side)
    luminance = (2 * 40 * 160 + 2.55**2) / (40**2 + 160**2 + 2.55**2)
    pairs = torch.tensor([[0, 1], [0, 0]])
    found = ms_ssim(pyramid(images), *pairs.T)
    assert found.tolist() == pytest.approx([luminance**weight, 1], abs=1e-9)


def test_pairs_within_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = image_data(11, shape=(3, 28, 28))
    real, scales = real_side(data, tmp_path), pyramid(data.train.x)
    found = scores_of(MSSSIM(groups=3, size=4), real.view(data.train.x))
    single = {(i, j): ms_ssim(scales, torch.tensor([i]), torch.tensor([j])).item()
              for group in ((0, 1, 2, 3), (4, 5, 6, 7), (8, 9, 10))
              for i, j in itertools.combinations(group, 2)}  # fmt: skip
    assert found["ms_ssim"].value == pytest.approx(np.mean(list(single.values())), rel=1e-12)
    assert (found["ms_ssim"].n, found["ms_ssim"].fingerprint["scales"]) == (11, "2 of 5, window 11")
    monkeypatch.setattr("ganbench.evaluators.parts.ssim.PIXELS", 5 * 2352)
    assert scores_of(MSSSIM(groups=3, size=4), real.view(data.train.x)) == found
    own = scores_of(MSSSIM(groups=3, size=4), real.view(data.test.x))
    assert own["ms_ssim"].value == own["ms_ssim_real"].value


def test_a_collapsed_generator_is_near_one(tmp_path: Path) -> None:
    space, grey = Space((1, 8, 8)), torch.arange(64, dtype=torch.uint8).reshape(1, 1, 8, 8) * 4
    real = image_data(30, shape=(1, 8, 8)).test
    side = real_side(Data(space, real, real, real), tmp_path)
    found = scores_of(MSSSIM(), side.view(grey.expand(30, -1, -1, -1).contiguous()))
    assert found["ms_ssim"].value == pytest.approx(1, abs=1e-12)
    assert found["ms_ssim_real"].value < 0.6
    assert found["ms_ssim"].fingerprint["scales"] == "1 of 5, window 8"
