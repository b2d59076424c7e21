"""The concordance of pairs: by counting, against the area under the ROC curve, and the coverage of its interval."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from ganbench.stats import concordance


def test_pairs_are_counted() -> None:
    """Of the pairs with different ends (all but the first two), 4 agree, 1 ties."""
    found = concordance([1, 2, 3, 3], [0, 0, 1, math.inf], ["a"] * 4, within=False)
    assert found is not None
    assert found.mean == pytest.approx(4.5 / 5) and found.n == 5


def test_of_two_kinds_of_ends_it_is_the_area_under_the_roc_curve() -> None:
    random = np.random.default_rng(0)
    late = random.integers(0, 2, 40)
    early = random.normal(size=40).round(1) + late
    found = concordance(early, late, ["a"] * 40, within=False)
    assert found is not None and found.low is not None and found.high is not None
    assert found.mean == pytest.approx(roc_auc_score(late, early))
    assert found.low < found.mean < found.high


def test_what_differs_between_cells_only_counts_in_pooled_pairs() -> None:
    """Two cells far apart in both numbers, unrelated within: confounded when pooled, chance within."""
    random = np.random.default_rng(1)
    cell = np.repeat([0, 1], 30)
    early, late = 10 * cell + random.normal(size=60), 10 * cell + random.normal(size=60)
    pooled, within = (concordance(early, late, cell.tolist(), inside) for inside in (False, True))
    assert pooled is not None and within is not None
    assert pooled.low is not None and pooled.low > 0.6
    assert within.low is not None and within.high is not None and within.low < 0.5 < within.high
    assert within.n == 2 * 30 * 29 // 2


def test_without_different_ends_there_is_nothing_to_foretell() -> None:
    assert concordance([1, 2], [3, 3], ["a", "a"], within=False) is None
    assert concordance([1, 2], [3, 4], ["a", "b"], within=True) is None
    with pytest.raises(ValueError, match="leave out"):
        concordance([1, math.nan], [3, 4], ["a", "a"], within=False)


def test_perfect_agreement_has_no_width() -> None:
    found = concordance(range(9), range(9), ["a"] * 9, within=False)
    assert found is not None and (found.mean, found.low, found.high) == (1, 1, 1)


@pytest.mark.parametrize("within", [False, True])
def test_intervals_cover_as_often_as_they_say(within: bool) -> None:
    """Normal pairs with correlation r in 4 cells of 10: the concordance is 1/2 + asin(r) / pi (Kendall)."""
    truth = 0.5 + math.asin(0.5) / math.pi
    covered = 0
    for seed in range(30):
        random = np.random.default_rng(seed)
        early = random.normal(size=40)
        late = 0.5 * early + 0.75**0.5 * random.normal(size=40)
        found = concordance(early, late, [i % 4 for i in range(40)], within)
        assert found is not None and found.low is not None and found.high is not None
        covered += found.low <= truth <= found.high
    assert covered / 30 > 0.8
