"""Class modes and their divergences, from a derivation of their own, keyed by (kind, version)."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from ganbench.evaluators.base import Score
from ganbench.evaluators.class_modes import ClassModes, divergence
from tests.support.evaluation import Given

pytestmark = pytest.mark.golden

MNIST = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]  # training images of each digit


def scored(classes: list[int], real: list[int], k: int) -> dict[str, Score]:
    """Of samples that a sure classifier puts into these classes."""
    logits = torch.nn.functional.one_hot(torch.tensor(classes), k).float() * 5
    truth = Given(torch.zeros(len(real), k), torch.tensor(real))
    return ClassModes()(replace(truth, x=logits), truth, torch.Generator())


def test_this_version() -> None:
    assert ClassModes.version == 1, "its numbers changed: derive the values below anew"


# p = (3/4, 1/4, 0, 0), real (1/2, 1/4, 1/4, 0): the two logarithms of each by hand
def test_by_hand() -> None:
    found = {name: score.value for name, score in scored([0, 0, 0, 1], [0, 0, 1, 2], 4).items()}
    jsd = (0.75 * math.log(0.75 / 0.625) + (0.5 * math.log(0.5 / 0.625) + 0.25 * math.log(2))) / 2
    assert found == {
        "class_modes": 2,
        "class_modes_20": 0,
        "class_kl_uniform": pytest.approx(0.75 * math.log(3), abs=1e-15),
        "class_kl_real": pytest.approx(0.75 * math.log(1.5), abs=1e-15),
        "class_jsd_real": pytest.approx(jsd, abs=1e-15),
    }


def test_one_class_of_a_thousand() -> None:
    found = scored([7] * 19 + [8] * 20, [7, 8], 1000)
    assert (found["class_modes"].value, found["class_modes_20"].value) == (2, 1)
    alone = scored([7] * 5, [0, 1, 2], 1000)
    assert alone["class_kl_uniform"].value == pytest.approx(math.log(1000), rel=1e-15)
    assert alone["class_jsd_real"].value == pytest.approx(math.log(2), rel=1e-15)  # nothing in common
    assert "class_kl_real" not in alone  # infinite
    assert alone["class_modes"].fingerprint["real"] == "3 labels of the train split"


# n draws of K even classes: 2 n KL is nearly chi-squared with K - 1 degrees of freedom, so the mean is (K - 1) / (2 n);
# the next term of the expansion, K^2 / (12 n^2), makes 0.01922 into the 0.0193 to 0.0195 of simulations
@pytest.mark.parametrize(("n", "floor"), [(26_000, 0.0192), (25_600, 0.0195), (50_000, 0.0100)])
def test_the_floor_of_stacked_mnist(n: int, floor: float) -> None:
    rng = np.random.default_rng(n)
    even = torch.full((1000,), 1e-3, dtype=torch.float64)
    counts = torch.tensor(rng.multinomial(n, even.numpy(), size=50)).double()
    found = np.mean([divergence(count / n, even) for count in counts])
    error = 4 * math.sqrt(2 * 999 / 50) / (2 * n)
    assert (999 / (2 * n)) == pytest.approx(floor, abs=5e-5)
    assert found == pytest.approx(999 / (2 * n) + 1000**2 / (12 * n**2), abs=error)


# of independent digits the divergence from even is three times that of one: the digits of MNIST alone cost 0.0043
def test_what_the_uneven_digits_of_mnist_cost() -> None:
    one = np.array(MNIST) / sum(MNIST)
    triples = torch.tensor((one[:, None, None] * one[:, None] * one).ravel())
    found = divergence(triples, torch.full((1000,), 1e-3, dtype=torch.float64))
    assert found == pytest.approx(3 * (one * np.log(10 * one)).sum(), abs=1e-14)
    assert found == pytest.approx(0.0043, abs=5e-5)
