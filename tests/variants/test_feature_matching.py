"""Feature matching: value and gradient by hand, on features that are the samples themselves or twice them."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from ganbench.variants.base import Batch, Params, Player, Players
from ganbench.variants.feature_matching import FeatureMatching
from tests.support.scores import FAKE, REAL, SAME, vector

pytestmark = pytest.mark.golden


def twice(params: Params, x: Tensor, part: str = "forward") -> Tensor:
    """The features of a sample are its double; its score is their sum."""
    return 2 * x if part == "features" else 2 * x.sum(1)


REALS = torch.tensor([[1.0, 0.0], [3.0, 2.0]], dtype=torch.float64)  # mean (2, 1), so features (4, 2)
FAKES = torch.tensor([[0.0, 0.0], [1.0, 4.0]], dtype=torch.float64)  # mean (1/2, 2), so features (1, 4)
NET = Players(SAME, Player(twice, {}))

# the gap is (3, -2); a fake moves the mean feature by 2 / 2 = 1, so each fake's slope is -d(distance)/d(gap)
BY_HAND = {
    "squared": (13.0, [-6.0, 4.0]),
    "mean_squared": (6.5, [-3.0, 2.0]),
    "mean_absolute": (2.5, [-0.5, 0.5]),
}


@pytest.mark.parametrize("distance", BY_HAND)
def test_value_and_slope_by_hand(distance: str) -> None:
    variant = FeatureMatching(distance=distance)  # type: ignore[arg-type]
    assert variant.version == 1, "its numbers changed: derive the values above anew"
    fakes = FAKES.clone().requires_grad_()
    (loss,) = variant.g_loss(NET, Batch(REALS, fakes)).values()
    value, slope = BY_HAND[distance]
    assert loss.item() == value
    assert torch.autograd.grad(loss, fakes)[0].tolist() == [slope, slope]


def test_equal_means_cost_nothing_however_the_samples_lie() -> None:
    fakes = torch.tensor([[2.0, -5.0], [2.0, 7.0]], dtype=torch.float64).requires_grad_()
    (loss,) = FeatureMatching().g_loss(NET, Batch(REALS, fakes)).values()
    assert loss.item() == 0 and not torch.autograd.grad(loss, fakes)[0].any()


@pytest.mark.parametrize(("target", "anchor"), [(1.0, 1.444172), (0.9, 1.494172)])
def test_its_discriminator_is_the_logistic_one(target: float, anchor: float) -> None:
    variant = FeatureMatching(real_target=target)
    batch = Batch(vector(REAL)[:, None], vector(FAKE)[:, None])
    terms = variant.d_loss(Players(SAME, Player(lambda params, x: x.flatten(), {})), batch)
    assert torch.stack(list(terms.values())).sum().item() == pytest.approx(anchor, abs=5e-7)
