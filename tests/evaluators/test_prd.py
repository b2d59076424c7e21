"""Precision and recall of distributions, and the k-means below, against closed forms and other implementations."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ganbench.evaluators.parts.kmeans import assign, k_means
from ganbench.evaluators.prd import PRD, curve, f_score
from ganbench.rng import stream
from tests.support.evaluation import Given

pytestmark = pytest.mark.golden

Rows = list[list[float]]


def scored(fake: Rows, real: Rows, clusters: int) -> tuple[float, float]:
    found = PRD(clusters=clusters)(Given(torch.tensor(fake)), Given(torch.tensor(real)), stream(0, "prd"))
    return found["prd_f8"].value, found["prd_f1_8"].value


# all of the fake mass in half of the real one: the curve's corner is precision 1 at recall 1/2
def test_half_of_the_real_clusters() -> None:
    place = [[0.0, 0.0], [9.0, 0.0]]
    corner = (65 * 0.5 / 64.5, (1 + 1 / 64) * 0.5 / (1 / 64 + 0.5))
    assert scored([place[0]] * 8, place * 4, 2) == pytest.approx(corner, abs=1e-3)  # between two angles
    assert scored(place * 4, [place[0]] * 8, 2) == pytest.approx(corner[::-1], abs=1e-3)
    assert scored(place * 4, place[::-1] * 4, 2) == pytest.approx((1, 1), abs=1e-12)
    assert scored([place[0]] * 8, [place[1]] * 8, 2) == (0, 0)


def test_the_larger_side_is_cut_to_the_smaller_one() -> None:
    found = PRD(clusters=2)(Given(torch.rand(9, 2)), Given(torch.rand(7, 2)), stream(0, "prd"))["prd_f8"]
    assert (found.n, found.n_reference, found.fingerprint["generated"]) == (7, 7, "7")


@settings(max_examples=30)
@given(st.integers(0, 10**6), st.integers(2, 20))
def test_the_curve_is_that_of_the_paper(seed: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    fake, real = rng.dirichlet(np.ones(k)), rng.dirichlet(np.ones(k))
    slopes = np.tan(np.linspace(1e-10, np.pi / 2 - 1e-10, 1001))
    precision = np.array([np.minimum(slope * real, fake).sum() for slope in slopes])
    recall = np.array([np.minimum(real, fake / slope).sum() for slope in slopes])
    found = curve(fake=torch.tensor(fake), real=torch.tensor(real), angles=1001)
    np.testing.assert_allclose(found, np.clip([precision, recall], 0, 1), atol=1e-12)
    for beta in (8, 1 / 8):
        wanted = ((1 + beta**2) * precision * recall / (beta**2 * precision + recall)).max()
        assert f_score(found[0], found[1], beta) == pytest.approx(wanted, abs=1e-9)
    swapped = curve(fake=torch.tensor(real), real=torch.tensor(fake), angles=1001)
    np.testing.assert_allclose(swapped.flip(0, 1), found, atol=1e-9)


@settings(max_examples=10)
@given(st.integers(0, 10**6), st.integers(1, 6))
def test_k_means_ends_where_nothing_changes(seed: int, k: int) -> None:
    x = torch.randn(60, 3, generator=torch.Generator().manual_seed(seed))
    centres = k_means(x, k, stream(seed, "k-means"))
    labels = torch.cdist(x.double(), centres).argmin(1)
    assert torch.equal(labels, assign(x, centres))
    for cell in range(k):
        torch.testing.assert_close(x[labels == cell].double().mean(0), centres[cell], rtol=0, atol=1e-6)
    assert torch.equal(centres, k_means(x, k, stream(seed, "k-means")))


def test_k_means_finds_clusters_that_lie_apart() -> None:
    x = torch.randn(150, 3, generator=torch.Generator().manual_seed(0)) + 20 * torch.eye(3).repeat(50, 1)
    counts = torch.bincount(assign(x, k_means(x, 3, stream(0, "k-means"))))
    assert counts.tolist() == [50, 50, 50]


def test_k_means_of_fewer_different_points_than_clusters() -> None:
    x = torch.tensor([[0.0], [1.0]]).repeat(5, 1)
    centres = k_means(x, 4, stream(0, "k-means"))
    assert set(centres.flatten().tolist()) == {0, 1} and len(centres) == 4
