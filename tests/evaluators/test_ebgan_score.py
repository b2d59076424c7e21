"""EBGAN's modified score on given class probabilities, by hand and against SciPy."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
import torch

from ganbench.evaluators.base import Score
from ganbench.evaluators.ebgan_score import EBGANScore
from tests.support.evaluation import Given

pytestmark = pytest.mark.golden


def scores(p: object, **options: float) -> dict[str, Score]:
    given = Given(torch.tensor(np.log(p)))
    return EBGANScore(**options)(given, given, torch.Generator())


def test_anchor() -> None:
    """p = [.9, .1] and [.5, .5]: p(y) = [.7, .3], KL .7 log(7/9) + .3 log 3 = 0.153665 and .7 log 1.4 + .3 log .6."""
    assert EBGANScore.version == 1, "its numbers changed: derive the values below anew"
    found = scores([[0.9, 0.1], [0.5, 0.5]])
    assert found["ebgan_score"].value == pytest.approx(0.117973, abs=5e-7)
    assert found["ebgan_score_squared"].value == pytest.approx(0.015191, abs=5e-7)


def test_against_scipy() -> None:
    p = np.random.default_rng(0).dirichlet(np.ones(5), size=30)
    divergence = np.array([scipy.stats.entropy(p.mean(0), row) for row in p])
    found = scores(p)
    assert found["ebgan_score"].value == pytest.approx(divergence.mean())
    assert found["ebgan_score_squared"].value == pytest.approx((divergence**2).mean())


@pytest.mark.parametrize("floor", [1e-10, 1e-4])
def test_a_sure_classifier_meets_the_floor(floor: float) -> None:
    """Two sure samples of two classes: p(y) = [.5, .5], so KL = -log 2 - (log 1 + log floor) / 2 for both."""
    given = Given(torch.tensor([[0.0, -2000.0], [-2000.0, 0.0]]))
    found = EBGANScore(floor=floor)(given, given, torch.Generator())
    assert found["ebgan_score"].value == pytest.approx(-math.log(2) - math.log(floor) / 2)
    assert found["ebgan_score"].fingerprint["floor"] == str(floor)


def test_samples_that_are_all_alike_score_0() -> None:
    found = scores([[0.2, 0.3, 0.5]] * 4)
    assert found["ebgan_score"].value == pytest.approx(0, abs=1e-12)
    one_class = Given(torch.tensor([[0.0, -2000.0]] * 4))
    assert EBGANScore()(one_class, one_class, torch.Generator())["ebgan_score_squared"].value == 0
