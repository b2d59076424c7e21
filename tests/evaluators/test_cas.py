"""The classification accuracy score: of real images, of wrong labels, of a set that lacks variety, and its refusals."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from ganbench.datasets.base import Data, Space, Split
from ganbench.errors import RequestError
from ganbench.evaluators.base import Score
from ganbench.evaluators.cas import CAS
from ganbench.evaluators.parts.classifier import fit, floats, trained
from tests.support.evaluation import image_data, real_side, scores_of

pytestmark = pytest.mark.golden

QUICK = CAS(least=3000)


def score(data: Data, x: Tensor, y: Tensor | None, cache: Path, evaluator: CAS = QUICK) -> dict[str, Score]:
    return scores_of(evaluator, real_side(data, cache).view(x, y))


def test_cas_version_1(tmp_path: Path) -> None:
    """By its definition: train on the samples, count the real test images that are classified right."""
    assert CAS.version == 1
    data = image_data(96)
    fake = image_data(200, seed=7).train
    assert fake.y is not None and data.test.y is not None
    y = torch.where(torch.arange(200) % 3 == 0, (fake.y + 1) % 4, fake.y)  # a third of the labels are wrong
    (found,) = score(data, fake.x, y, tmp_path).values()
    net = trained(data.space, fit(data.space, fake.x, y, 3000))
    with torch.no_grad():
        right = net(floats(data.test.x)).argmax(1) == data.test.y
    share = right.double().mean().item()
    assert found.value == pytest.approx(share) and found.n == 200 and found.n_reference == 96
    assert found.stderr == pytest.approx(math.sqrt(share * (1 - share) / 96))


def test_real_images_teach_the_classes_and_wrong_labels_the_wrong_ones(tmp_path: Path) -> None:
    data = image_data(128)
    assert data.train.y is not None
    assert score(data, data.train.x, data.train.y, tmp_path)["cas"].value >= 0.95
    assert score(data, data.train.x, (data.train.y + 1) % 4, tmp_path)["cas"].value <= 0.05


def test_a_missing_class_costs_its_share(tmp_path: Path) -> None:
    """A generator that shows three of four classes rightly teaches at most three quarters of the real images."""
    data = image_data(128)
    assert data.train.y is not None
    kept = data.train.y != 3
    found = score(data, data.train.x[kept], data.train.y[kept], tmp_path)["cas"].value
    assert 0.7 <= found <= 0.75


def test_samples_without_labels_have_no_score(tmp_path: Path) -> None:
    data = image_data(64)
    assert score(data, data.train.x, None, tmp_path) == {}


@pytest.mark.parametrize("space", [Space((2,), 8), Space((1, 8, 8)), Space((3, 8, 8), 1000, stacked=3)])
def test_what_it_does_not_fit(space: Space) -> None:
    assert "single images with labels" in str(CAS().unsupported(space, 100, False))


def test_a_split_without_labels_is_refused(tmp_path: Path) -> None:
    data = image_data(64)
    bare = replace(data, test=Split(data.test.x))
    with pytest.raises(RequestError, match="it has no labels"):
        QUICK.check(real_side(bare, tmp_path))
    assert [m.name for m in CAS(split="validation").metrics()] == ["cas_validation"]
