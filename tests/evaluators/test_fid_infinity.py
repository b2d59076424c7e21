"""The Frechet distance at infinity: the line is that of numpy, and the bias vanishes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ganbench.evaluators.fid import FID
from ganbench.evaluators.fid_infinity import FIDInfinity, at_infinity
from ganbench.rng import stream
from tests.support.evaluation import Given

pytestmark = pytest.mark.golden


def test_the_line_is_the_least_squares_line() -> None:
    sizes = np.array([50, 100, 200, 400])
    assert at_infinity(torch.tensor(sizes), torch.tensor(3 + 70 / sizes)) == pytest.approx(3, rel=1e-12)
    values = np.array([3.1, 1.9, 1.4, 1.3])
    wanted = np.polyfit(1 / sizes, values, 1)[1]
    assert at_infinity(torch.tensor(sizes), torch.tensor(values)) == pytest.approx(wanted, rel=1e-12)


def test_two_sets_of_one_distribution_are_no_distance_apart() -> None:
    rng = np.random.default_rng(0)
    real = Given(torch.tensor(rng.normal(size=(20_000, 8))))
    views = [Given(torch.tensor(rng.normal(size=(300, 8)))) for _ in range(12)]
    plain = np.mean([FID()(view, real, stream(0, "a"))["fid"].value for view in views])
    found = [FIDInfinity()(view, real, stream(i, "a"))["fid_infinity"].value for i, view in enumerate(views)]
    assert plain > 0.05 and abs(np.mean(found)) < 0.2 * plain


def test_a_distance_that_is_there_stays() -> None:
    rng = np.random.default_rng(1)
    real, view = (Given(torch.tensor(rng.normal(size=(n, 4)) + shift)) for n, shift in ((9000, 0), (3000, 1)))
    assert FIDInfinity()(view, real, stream(0, "a"))["fid_infinity"].value == pytest.approx(4, rel=0.05)
