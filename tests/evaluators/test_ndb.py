"""The number of different bins, from a derivation of its own, keyed by (kind, version)."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import scipy.spatial.distance
import scipy.stats
import torch

from ganbench.evaluators.base import Score
from ganbench.evaluators.ndb import NDB, jensen_shannon, p_values
from tests.support.evaluation import points_data, real_side, scores_of

pytestmark = pytest.mark.golden


def counts(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


def scored(evaluator: NDB, fake: np.ndarray, real: np.ndarray, folder: Path) -> dict[str, Score]:
    found = scores_of(evaluator, real_side(points_data(torch.tensor(real)), folder).view(torch.tensor(fake)))
    return {name.removesuffix("_pixels"): score for name, score in found.items()}


def test_this_version() -> None:
    assert NDB.version == 2, "its numbers changed: derive the values below anew"


# 30 of 100 against 100 of 500: pooled 130 / 600, z = 0.1 / sqrt(0.2167 0.7833 (1 / 100 + 1 / 500)) = 2.2159
def test_the_test_of_two_proportions() -> None:
    found = p_values(counts(30, 70, 0), counts(100, 400, 0))
    pooled = 130 / 600
    z = 0.1 / math.sqrt(pooled * (1 - pooled) * (1 / 100 + 1 / 500))
    assert z == pytest.approx(2.2159, abs=1e-4)
    assert found.tolist() == pytest.approx([2 * scipy.stats.norm.sf(z)] * 2 + [1], rel=1e-12)
    # without a correction for continuity its square is the chi-squared statistic of the 2 x 2 table
    table = scipy.stats.chi2_contingency([[30, 70], [100, 400]], correction=False)
    assert found[0].item() == pytest.approx(table.pvalue, rel=1e-12)


def test_jensen_shannon_equals_scipy() -> None:
    one, other = counts(3, 0, 5, 2), counts(10, 40, 0, 50)
    wanted = scipy.spatial.distance.jensenshannon(one.numpy(), other.numpy()) ** 2
    assert jensen_shannon(one, other) == pytest.approx(wanted, rel=1e-12)
    assert jensen_shannon(counts(1, 0), counts(0, 9)) == pytest.approx(math.log(2), rel=1e-15)
    assert jensen_shannon(one, 7 * one) == 0


# alpha K = 5 of 100 bins on average where nothing differs
def test_what_is_expected_of_a_perfect_sampler() -> None:
    rng = np.random.default_rng(0)
    shares = rng.dirichlet(np.full(100, 20.0))
    pairs = zip(rng.multinomial(10_000, shares, 300), rng.multinomial(45_000, shares, 300), strict=True)
    found = [int((p_values(torch.tensor(a).double(), torch.tensor(b).double()) < 0.05).sum()) for a, b in pairs]
    assert np.mean(found) == pytest.approx(5, abs=0.6)


# four corners of a square, 100 real samples each; of the generated ones 25, 25, 50 and none
def test_bins_by_hand(tmp_path: Path) -> None:
    corners = np.array([[0.0, 0.0], [0.0, 10.0], [10.0, 0.0], [10.0, 10.0]])
    noise = np.random.default_rng(1).normal(size=(500, 2))
    real, fake = corners.repeat(100, 0) + noise[:400], corners.repeat([25, 25, 50, 0], 0) + noise[400:]
    for evaluator in (NDB(bins=4), NDB(bins=4, whiten=True), NDB(bins=4, per_bin=30)):
        found = scored(evaluator, fake, real, tmp_path)
        assert (found["ndb"].value, found["ndb_share"].value) == (2, 0.5)
        p, q = np.array([0.25, 0.25, 0.5, 0]), np.full(4, 0.25)
        assert found["ndb_jsd"].value == pytest.approx(scipy.spatial.distance.jensenshannon(p, q) ** 2, rel=1e-9)
    strict = scored(NDB(bins=4, alpha=1e-9), fake, real, tmp_path)
    assert strict["ndb"].value == 0 and strict["ndb"].n_reference == 400


def test_wide_samples_are_clustered_in_a_sixth_of_their_dimensions(tmp_path: Path) -> None:
    real = np.random.default_rng(2).normal(size=(40, 1200))
    found = scored(NDB(bins=3), real, real, tmp_path)
    assert (found["ndb"].value, found["ndb_jsd"].value) == (0, 0)
    assert found["ndb"].fingerprint["dimensions"] == "200"


def test_bins_are_those_of_the_data_whatever_the_seed(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    real, fake = rng.normal(size=(200, 2)), rng.normal(size=(100, 2)) + 0.5
    side = real_side(points_data(torch.tensor(real)), tmp_path)
    first, again = (scores_of(NDB(bins=10), side.view(torch.tensor(fake)), seed) for seed in (0, 1))
    assert first == again
    assert len(list(tmp_path.glob("bins-10-*.pt"))) == 1, "computed once and kept"
