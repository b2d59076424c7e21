"""Precision, recall, density and coverage, against their definitions in NumPy and the papers' expectations."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_fidelity.metric_prc import KEY_METRIC_PRECISION, KEY_METRIC_RECALL, prc_features_to_metric

from ganbench.evaluators.density_coverage import DensityCoverage
from ganbench.evaluators.parts import distances as _distances
from ganbench.evaluators.parts import neighbours as _neighbours
from ganbench.evaluators.parts.neighbours import Reach, inside, nearest
from ganbench.evaluators.precision_recall import PrecisionRecall
from tests.support.evaluation import Given

pytestmark = pytest.mark.golden

Array = np.ndarray


def scored(fake: Array, real: Array, k: int) -> dict[str, float]:
    found: dict[str, float] = {}
    for evaluator in (PrecisionRecall(k=k), DensityCoverage(k=k)):
        scores = evaluator(Given(torch.tensor(fake)), Given(torch.tensor(real)), torch.Generator())
        found |= {name: score.value for name, score in scores.items()}
    return found


def definition(fake: Array, real: Array, k: int) -> dict[str, float]:
    """The papers' formulas on whole matrices of distances; a row's first neighbour is itself."""
    across = np.sqrt(((real[:, None] - fake[None]) ** 2).sum(2))
    radius, own = (np.sort(np.sqrt(((x[:, None] - x[None]) ** 2).sum(2)), 1)[:, k] for x in (real, fake))
    return {
        "precision": (across <= radius[:, None]).any(0).mean(),
        "recall": (across <= own).any(1).mean(),
        "density": (across < radius[:, None]).sum() / (k * len(fake)),
        "coverage": (across.min(1) < radius).mean(),
    }


def pair(seed: int, kind: str) -> tuple[Array, Array]:
    """A generated and a real set: in general position, or with ties of every sort."""
    rng = np.random.default_rng(seed)
    fake, real = rng.normal(size=(60, 3)), rng.normal(size=(80, 3)) + 0.3
    match kind:
        case "a perfect copy":
            fake = real.copy()
        case "few points, many times":
            fake = np.repeat(real[:4], 15, 0)
        case "on a lattice":
            fake, real = np.round(fake), np.round(real)
        case "one point":
            fake = np.zeros_like(fake)
        case "a thousand dimensions":
            fake, real = rng.normal(size=(30, 1000)), rng.normal(size=(40, 1000))
        case "far from the origin":
            fake, real = np.round(fake) / 4 + 4096, np.round(real) / 4 + 4096
    return fake, real


KINDS = ("general", "a perfect copy", "few points, many times", "on a lattice", "one point", "a thousand dimensions",
         "far from the origin")  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=10)
@given(seed=st.integers(0, 10**6), k=st.integers(1, 6))
def test_they_equal_their_definition_exactly_ties_and_all(kind: str, seed: int, k: int) -> None:
    fake, real = pair(seed, kind)
    assert scored(fake, real, k) == pytest.approx(definition(fake, real, k), abs=1e-15)


@settings(max_examples=25)
@given(seed=st.integers(0, 10**6), kind=st.sampled_from(KINDS), rows=st.integers(1, 50))
def test_neither_blocks_nor_the_order_of_rows_nor_a_swap_changes_a_number(seed: int, kind: str, rows: int) -> None:
    fake, real = pair(seed, kind)
    wanted = scored(fake, real, 3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_distances, "BLOCK", rows * 80)
        order = np.random.default_rng(seed + 1)
        assert scored(order.permutation(fake), order.permutation(real), 3) == pytest.approx(wanted, abs=1e-15)
    swapped = scored(real, fake, 3)
    assert (swapped["precision"], swapped["recall"]) == (wanted["recall"], wanted["precision"])


@settings(max_examples=15)
@given(st.integers(0, 10**6), st.integers(1, 7))
def test_a_perfect_copy_scores_best(seed: int, k: int) -> None:
    x = np.random.default_rng(seed).normal(size=(40, 3))
    found = scored(x, x, k)
    assert (found["precision"], found["recall"], found["coverage"]) == (1, 1, 1)
    assert found["density"] == pytest.approx(1, abs=1e-15)  # a ball holds its centre and k - 1 more


def test_precision_and_recall_equal_those_of_torch_fidelity() -> None:
    rng = np.random.default_rng(5)
    fake, real = rng.normal(size=(300, 20)), rng.normal(size=(200, 20)) * 1.1
    sides = (torch.tensor(fake), torch.tensor(real))
    wanted = prc_features_to_metric(*sides, prc_neighborhood=3, prc_batch_size=99, save_cpu_ram=False, verbose=False)
    found = scored(fake, real, 3)
    assert found["precision"] == pytest.approx(wanted[KEY_METRIC_PRECISION], rel=1e-6)
    assert found["recall"] == pytest.approx(wanted[KEY_METRIC_RECALL], rel=1e-6)


# of n real and m generated samples of one distribution: none of the m among the k nearest of n - 1 + m, with chance
# (n - 1) ... (n - k) / ((n + m - 1) ... (n + m - k)); a sample lies in a real ball with chance k / n
@pytest.mark.parametrize("k", [1, 5])
def test_expectations_of_a_perfect_generator(k: int) -> None:
    n, m, repeats = 90, 60, 60
    rng = np.random.default_rng(k)
    found = [scored(rng.normal(size=(m, 40)), rng.normal(size=(n, 40)), k) for _ in range(repeats)]
    missed = math.prod((n - i) / (n + m - i) for i in range(1, k + 1))
    for name, value in (("coverage", 1 - missed), ("density", 1)):
        values = [one[name] for one in found]
        assert np.mean(values) == pytest.approx(value, abs=4 * float(np.std(values)) / math.sqrt(repeats))


def test_nearest_distances_and_who_is_inside() -> None:
    x, y = torch.tensor([[0.0], [3.0]]), torch.tensor([[1.0], [5.0], [4.0]])
    found = nearest(x, y, 3)
    assert found.squares.tolist() == [[1, 16, 25], [1, 4, 4]]
    assert found.indices[0].tolist() == [0, 2, 1] and found.indices[1, 0] == 2
    assert nearest(x, y).squares.tolist() == [[1], [1]]
    within = nearest(y, y, 2).squares[:, 1]  # to the next one, itself not counted
    assert within.tolist() == [9, 1, 1]
    closed, opened = (Reach(within, border) for border in (True, False))
    around_x = Reach(torch.tensor([[1.0], [4.0]], dtype=torch.float64), border=True)
    (masks,) = inside(x, y, [closed, opened, around_x])
    assert [mask.int().tolist() for mask in masks] == [
        [[1, 0, 0], [1, 0, 1]],
        [[1, 0, 0], [1, 0, 0]],
        [[1, 0, 0], [1, 1, 1]],
    ]


# single precision decides what it can: the same sets where it decides all, some pairs, and none
@pytest.mark.parametrize("offset", [0, 1e3, 1e6], ids=["at the origin", "far", "very far"])
@pytest.mark.parametrize("spread", [1.0, 1e-4, 1e-18], ids=["wide", "narrow", "vanishing"])
def test_many_dimensions_are_decided_as_in_float64(
    offset: float, spread: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(7)
    real = spread * rng.normal(size=(70, 96)) + offset
    fake = np.concatenate([real[:20], real[:20] + 1e-9 * spread, spread * rng.normal(size=(25, 96)) + offset])
    rough = scored(fake, real, 3)
    monkeypatch.setattr(_distances, "WIDE", 10**6)
    assert rough == scored(fake, real, 3)
    if offset == 0:
        assert rough == pytest.approx(definition(fake, real, 3), abs=1e-15)


def test_float32_leaves_few_pairs_to_float64(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = (torch.randn(300, 256, generator=torch.Generator().manual_seed(seed)) for seed in (1, 2))
    looked_at: list[int] = []
    exact = _neighbours._pair_squares

    def watched(rows: torch.Tensor, among: torch.Tensor, indices: torch.Tensor) -> torch.Tensor:
        looked_at.append(indices.numel())
        return exact(rows, among, indices)

    monkeypatch.setattr(_neighbours, "_pair_squares", watched)
    (masks,) = inside(x, y, [Reach(nearest(y, y, 4).squares[:, 3], border=True)])
    assert masks[0].shape == (300, 300)
    assert looked_at[0] == 300 * 6 and sum(looked_at[1:]) < 300  # candidates for radii; then undecided pairs of 90,000
