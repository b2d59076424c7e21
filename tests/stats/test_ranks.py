"""The interquartile mean against SciPy's trimmed mean and a bootstrap written down."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import trim_mean

from ganbench.stats import interquartile_mean


@pytest.mark.golden
def test_the_interquartile_mean_is_a_trimmed_mean_with_a_stratified_bootstrap() -> None:
    rng = np.random.default_rng(1)
    problems = [rng.normal(place, size=n) for place, n in ((0, 8), (3, 12), (-1, 5))]
    found = interquartile_mean([runs.tolist() for runs in problems])
    assert found.mean == pytest.approx(trim_mean(np.concatenate(problems), 0.25), rel=1e-12)
    assert found.n == 25 and found.low is not None and found.high is not None
    drawn = [trim_mean(np.concatenate([rng.choice(runs, len(runs)) for runs in problems]), 0.25) for _ in range(4000)]
    width = found.high - found.low
    assert (found.low, found.high) == pytest.approx(np.quantile(drawn, (0.025, 0.975)), abs=0.1 * width)


def test_outliers_do_not_move_it_and_single_runs_have_no_interval() -> None:
    assert interquartile_mean([[0.0, 1.0, 2.0, 100.0], [0.0, 1.0, 2.0, -100.0]]).mean == pytest.approx(1.0)
    assert interquartile_mean([[1.0], [2.0]]).low is None
    with pytest.raises(ValueError, match="runs on every problem"):
        interquartile_mean([[1.0], []])
