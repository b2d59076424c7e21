"""Distances between sets of points: closed forms, keyed by (kind, version)."""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import given
from hypothesis import strategies as st

from ganbench.evaluators.base import Evaluator, Score
from ganbench.evaluators.mmd import MMD
from ganbench.evaluators.parts.kernels import median_distance
from ganbench.evaluators.parts.transport import line_cost, pieces
from ganbench.evaluators.sliced_wasserstein import SlicedWasserstein
from ganbench.evaluators.wasserstein import Wasserstein
from tests.support.evaluation import points_data, real_side, scores_of

pytestmark = pytest.mark.golden

Array = np.ndarray
P = Literal[1, 2]
SHIFT = np.array([3.0, 4.0])


def score(evaluator: Evaluator, fake: Array, real: Array, folder: Path) -> Score:
    (found,) = scores_of(
        evaluator, real_side(points_data(torch.tensor(real)), folder).view(torch.tensor(fake))
    ).values()
    return found


def normal(n: int, d: int, seed: int) -> Array:
    return np.random.default_rng(seed).normal(size=(n, d))


@pytest.mark.parametrize(("evaluator", "version"), [(Wasserstein, 1), (SlicedWasserstein, 2), (MMD, 2)])
def test_the_numbers_below_are_those_of_this_version(evaluator: type[Evaluator], version: int) -> None:
    assert evaluator.version == version, "its numbers changed: derive the values below anew"


# --- on a line ---


# matched in order: 0 with 5, 1 with 6, 3 with 10
@pytest.mark.parametrize(("p", "value"), [(1, 17 / 3), (2, math.sqrt(33))])
def test_wasserstein_on_a_line(p: P, value: float, tmp_path: Path) -> None:
    fake, real = np.array([[3.0], [0.0], [1.0]]), np.array([[5.0], [10.0], [6.0]])
    assert score(Wasserstein(p=p), fake, real, tmp_path).value == pytest.approx(value, abs=1e-14)


# halves at 0 and 1 against thirds at 0, 0 and 3: |0-0| 1/2, |1-0| 1/6, |1-3| 1/3
def test_wasserstein_of_different_numbers_of_samples(tmp_path: Path) -> None:
    fake, real = np.array([[0.0], [1.0]]), np.array([[0.0], [0.0], [3.0]])
    assert score(Wasserstein(), fake, real, tmp_path).value == pytest.approx(1 / 6 + 2 / 3, abs=1e-15)
    found = score(Wasserstein(p=2), fake, real, tmp_path)
    assert found.value == pytest.approx(math.sqrt(1 / 6 + 4 / 3), abs=1e-15)
    assert (found.n, found.n_reference) == (2, 3)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 1000))
def test_the_line_equals_scipy(n: int, m: int, seed: int) -> None:
    x, y = normal(n, 1, seed), normal(m, 1, seed + 1).round(1)
    wanted = scipy.stats.wasserstein_distance(x[:, 0], y[:, 0])
    assert line_cost(torch.tensor(x).T, torch.tensor(y).T, 1, pieces(len(x), len(y))).item() == pytest.approx(
        wanted, abs=1e-13
    )


# --- in the plane ---


@pytest.mark.parametrize("p", [1, 2])
def test_a_shift_costs_its_length(p: P, tmp_path: Path) -> None:
    x = normal(50, 2, 0)
    shifted = np.random.default_rng(1).permutation(x + SHIFT)
    found = score(Wasserstein(p=p), shifted, x, tmp_path)
    assert found.value == pytest.approx(5, abs=1e-12)
    assert score(Wasserstein(p=p), x[::-1].copy(), x, tmp_path).value == 0


def test_the_best_of_all_assignments(tmp_path: Path) -> None:
    x, y = normal(6, 3, 2), normal(6, 3, 3)
    costs = np.linalg.norm(x[:, None] - y, axis=2)
    wanted = min(costs[range(6), order].mean() for order in itertools.permutations(range(6)))
    assert score(Wasserstein(), x, y, tmp_path).value == pytest.approx(wanted, abs=1e-14)


def test_it_says_how_many_entered(tmp_path: Path) -> None:
    found = score(Wasserstein(limit=20), normal(50, 2, 0), normal(30, 2, 1), tmp_path)
    assert (found.n, found.n_reference, found.fingerprint["generated"]) == (20, 20, "20")


# a shift by v costs |<v, direction>| on each line: E|cos| = 2 / pi and E cos^2 = 1 / 2 in the plane
def test_sliced_wasserstein_of_a_shift(tmp_path: Path) -> None:
    x, n = normal(40, 2, 0), 4000
    one = score(SlicedWasserstein(p=1, projections=n), x + SHIFT, x, tmp_path).value
    two = score(SlicedWasserstein(p=2, projections=n), x + SHIFT, x, tmp_path).value
    assert one == pytest.approx(5 * 2 / math.pi, abs=4 * 5 * math.sqrt((0.5 - (2 / math.pi) ** 2) / n))
    assert two**2 == pytest.approx(25 / 2, abs=4 * 25 * math.sqrt(1 / 8 / n))
    assert score(SlicedWasserstein(), x[::-1].copy(), x, tmp_path).value == 0


# N(0, 1) stretched to N(0, 9) in each direction: W_2 = 2 on every line, to the samples' own spread
def test_sliced_wasserstein_of_a_stretch(tmp_path: Path) -> None:
    x = normal(2000, 3, 5)
    found = score(SlicedWasserstein(projections=200), 3 * x, x, tmp_path).value
    assert found == pytest.approx(2 * math.sqrt((x**2).sum(1).mean() / 3), rel=0.02)


# --- the kernel distance ---


# k(x, y) = exp(-(x - y)^2 / 2): within {0, 2} and {1, 3} e^-2 each, across (e^-1/2 3 + e^-9/2) / 4
def test_mmd_of_two_pairs(tmp_path: Path) -> None:
    fake, real = np.array([[0.0], [2.0]]), np.array([[1.0], [3.0]])
    found = score(MMD(bandwidths=(1.0,), unit="data"), fake, real, tmp_path)
    wanted = 2 * math.exp(-2) - 2 * (3 * math.exp(-0.5) + math.exp(-4.5)) / 4
    assert found.value == pytest.approx(wanted, abs=1e-15)
    twice = [score(MMD(bandwidths=(s,), unit="data"), fake, real, tmp_path).value for s in (0.5, 3.0)]
    both = score(MMD(bandwidths=(0.5, 3.0), unit="data"), fake, real, tmp_path)
    assert both.value == pytest.approx(sum(twice) / 2, abs=1e-15)


# between N(0, 1) and N(2, 1) with width 1: 2 / sqrt(3) (1 - exp(-4 / 6))
def test_mmd_of_two_normals(tmp_path: Path) -> None:
    wanted = 2 / math.sqrt(3) * (1 - math.exp(-4 / 6))
    evaluator = MMD(bandwidths=(1.0,), unit="data")
    found = [score(evaluator, normal(500, 1, i) + 2, normal(400, 1, i + 99), tmp_path / str(i)).value for i in range(8)]
    assert np.mean(found) == pytest.approx(wanted, abs=4 * float(np.std(found, ddof=1)) / math.sqrt(8))
    null = [score(evaluator, normal(300, 1, i), normal(300, 1, i + 99), tmp_path / f"0{i}").value for i in range(20)]
    assert np.mean(null) == pytest.approx(0, abs=4 * float(np.std(null, ddof=1)) / math.sqrt(20))  # unbiased
    assert min(null) < 0 < max(null)


def test_bandwidths_are_multiples_of_the_median_distance(tmp_path: Path) -> None:
    x, y = normal(30, 2, 0), normal(31, 2, 1)
    assert median_distance(torch.tensor([[0.0], [1.0], [3.0]])) == 2
    unit = median_distance(torch.tensor(y))
    found = score(MMD(bandwidths=(0.5,)), x, y, tmp_path)
    assert found.value == score(MMD(bandwidths=(0.5 * unit,), unit="data"), x, y, tmp_path).value
    assert found.value == pytest.approx(score(MMD(bandwidths=(0.5,)), 9 * x, 9 * y, tmp_path).value, abs=1e-12)
    same = real_side(points_data(torch.ones(5, 2, dtype=torch.float64)), tmp_path).view(torch.tensor(x))
    assert scores_of(MMD(), same) == {}


@pytest.mark.parametrize("evaluator", [Wasserstein(limit=10), SlicedWasserstein(projections=7), MMD()], ids=str)
def test_worse_samples_are_further_away(evaluator: Evaluator, tmp_path: Path) -> None:
    real = normal(100, 2, 0)
    near, far = (score(evaluator, normal(100, 2, 1) + shift, real, tmp_path).value for shift in (0, 1))
    assert near < far
