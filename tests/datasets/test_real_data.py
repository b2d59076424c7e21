"""Numbers on the published data sets, from independent code; they need `GANBENCH_DATA`."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ganbench.datasets.base import Data, Split
from ganbench.datasets.fashion_mnist import FashionMNIST
from ganbench.datasets.mnist import MNIST
from ganbench.evaluators.fid import FID
from ganbench.evaluators.parzen import Parzen
from tests.support.evaluation import real_side, scores_of

pytestmark = [pytest.mark.golden, pytest.mark.data]
DATASETS = {"mnist": MNIST(), "fashion_mnist": FashionMNIST()}


def load(kind: str) -> Data:
    folder = os.environ.get("GANBENCH_DATA")
    if not folder:
        pytest.skip("GANBENCH_DATA is not set")
    return DATASETS[kind].load(Path(folder))


def test_parzen_of_the_training_images_of_mnist(tmp_path: Path) -> None:
    data = load("mnist")
    found = scores_of(Parzen(), real_side(data, tmp_path).view(data.train.x[:10_000]))
    assert found["parzen"].value == pytest.approx(241.193, abs=5e-4)
    assert found["parzen"].stderr == pytest.approx(2.13, abs=5e-3)
    assert found["parzen_sigma"].value == pytest.approx(0.16681, abs=5e-6)
    assert found["parzen_edge"].value == 0


@pytest.mark.parametrize(("kind", "value"), [("mnist", 0.332176), ("fashion_mnist", 0.242546)])
def test_frechet_distance_of_pixels_between_training_and_test_images(kind: str, value: float, tmp_path: Path) -> None:
    data = load(kind)
    images = torch.cat([data.train.x, data.validation.x])
    found = scores_of(FID(features="pixels"), real_side(data, tmp_path).view(images))
    assert found["fd_pixels"].value == pytest.approx(value, abs=1e-6)


@pytest.mark.parametrize(("kind", "images", "least"), [("mnist", 50_000, 0.99), ("fashion_mnist", 20_000, 0.90)])
def test_accuracy_of_the_classifier(kind: str, images: int, least: float, tmp_path: Path) -> None:
    data = load(kind)
    train = Split(data.train.x[:images], None if data.train.y is None else data.train.y[:images])
    about = real_side(replace(data, train=train), tmp_path).split("test").extractor("classifier")
    assert float(about["test accuracy"]) >= least
