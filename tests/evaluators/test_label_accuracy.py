"""The share of samples that show the label they were made for: by hand, and on real and conditional samples."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ganbench.datasets.base import Space
from ganbench.evaluators.label_accuracy import LabelAccuracy
from ganbench.networks.base import Network
from ganbench.networks.conditional_dcgan import ConditionalDCGAN
from ganbench.networks.dcgan import DCGAN
from ganbench.testing import small_run
from ganbench.training.sampling import sample
from tests.support.evaluation import Given, image_data, real_side, scores_of

pytestmark = pytest.mark.golden

LOGITS = torch.tensor([[3.0, 1, 0, 0], [0, 2, 1, 0], [0, 1, 2, 0], [9, 1, 2, 0], [0, 0, 0, 1]])


def test_label_accuracy_version_1() -> None:
    """Classes 0, 1, 2, 0 and 3 for the labels 0, 1, 1, 0 and 2: three of five."""
    fake = Given(LOGITS, torch.tensor([0, 1, 1, 0, 2]))
    (score,) = LabelAccuracy()(fake, fake, torch.Generator()).values()
    assert LabelAccuracy.version == 1
    assert score.value == pytest.approx(0.6) and score.n == 5 and score.n_reference == 0
    assert score.stderr == pytest.approx(math.sqrt(0.6 * 0.4 / 5))
    assert score.fingerprint["chance"] == "0.25"


def test_samples_without_labels_have_no_score() -> None:
    assert LabelAccuracy()(Given(LOGITS), Given(LOGITS), torch.Generator()) == {}


@pytest.mark.parametrize("space", [Space((2,), 8), Space((1, 8, 8))], ids=["points", "no labels"])
def test_what_it_does_not_fit(space: Space) -> None:
    assert "classifier" in str(LabelAccuracy().unsupported(space, 100, False))


@pytest.mark.parametrize(("shift", "least", "most"), [(0, 0.95, 1.0), (1, 0.0, 0.05)])
def test_real_images_with_their_labels_and_with_wrong_ones(
    shift: int, least: float, most: float, tmp_path: Path
) -> None:
    data = image_data(128)
    real = real_side(data, tmp_path)
    assert data.test.y is not None
    fake = real.view(data.test.x, (data.test.y + shift) % 4)
    assert least <= scores_of(LabelAccuracy(), fake)["label_accuracy"].value <= most


@pytest.mark.parametrize("network", [ConditionalDCGAN(width=4, units=8, z=4), DCGAN(width=4, z=4)])
def test_only_a_conditional_generator_is_asked_for_labels(network: Network) -> None:
    data, spec = image_data(128), replace(small_run(), network=network)
    made = sample(spec, data, dict(network.generator(data.space).named_parameters()), 40, step=1)
    assert (made.y is not None) == network.conditional
