"""`Judge` and `evaluate`: every form of samples, the real side computed once, and the errors of those refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import ganbench as gb
from ganbench.evaluators.modes import ModeCoverage
from ganbench.evaluators.precision_recall import PrecisionRecall
from ganbench.features import bank
from tests.e2e.conftest import within

FD = "fd_pixels"


def points(n: int = 60, seed: int = 0) -> Tensor:
    return torch.randn(n, 2, generator=torch.Generator().manual_seed(seed))


def images(n: int = 60, seed: int = 0) -> Tensor:
    return torch.randint(0, 256, (n, 1, 8, 8), generator=torch.Generator().manual_seed(seed)).to(torch.uint8)


def test_every_form_of_samples_has_one_score(tmp_path: Path) -> None:
    """uint8 and floats of a range, tensors and arrays, files and generators."""
    real, fake = images(seed=1), images()
    np.save(tmp_path / "fake.npy", fake[:, 0].numpy())
    floats = fake.double() / 127.5 - 1
    judge = gb.Judge(real, [FD], value_range=(-1, 1), latents=gb.Latents(z=1, n=60), results=tmp_path)
    forms = [fake, fake[:, 0].numpy(), fake.permute(0, 2, 3, 1).numpy(), floats, str(tmp_path / "fake.npy")]
    scores = [judge(form)[FD] for form in (*forms, tmp_path / "fake.npy", lambda z: floats)]
    assert len(set(scores)) == 1 and scores[0] > 0
    assert gb.evaluate(fake, real, [FD], results=tmp_path)[FD] == scores[0]


def test_the_scores_are_those_of_the_command(tmp_path: Path) -> None:
    np.save(tmp_path / "real.npy", points(seed=1).numpy())
    np.save(tmp_path / "fake.npy", points().numpy())
    scores = gb.evaluate(points(), points(seed=1), results=tmp_path)
    table = within(tmp_path, "evaluate", "fake.npy", "--reference", "real.npy", "--json").stdout
    assert (
        all(f'"metric": "{name}", "value": {value!r},' in table for name, value in scores.items()) and len(scores) > 3
    )


def test_the_real_side_is_computed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    own = bank.moments
    monkeypatch.setattr(bank, "moments", lambda features: calls.append(len(features)) or own(features))
    judge = gb.Judge(points(50, seed=1), [FD], results=tmp_path)
    for seed in range(3):
        judge(points(60, seed=seed))
    assert sorted(calls) == [50, 60, 60, 60]
    gb.Judge(points(50, seed=1), [FD], results=tmp_path)(points(60))  # from the disk, by its content
    assert sorted(calls) == [50, 60, 60, 60, 60]


def test_a_module_is_scored_in_evaluation_mode_and_left_as_it_was() -> None:
    net = nn.Sequential(nn.Linear(4, 2), nn.BatchNorm1d(2), nn.Sequential(nn.Dropout(0.5)))
    net[2].eval()
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    state = torch.random.get_rng_state()
    judge = gb.Judge(points(), ["precision_pixels"], latents=gb.Latents(z=4, n=50))
    assert judge(net) == judge(net)
    assert all(torch.equal(before[name], tensor) for name, tensor in net.state_dict().items())
    assert torch.equal(state, torch.random.get_rng_state())
    assert [module.training for module in net.modules()] == [True, True, True, False, False]


def test_named_metrics_only_and_all_of_an_evaluator() -> None:
    scores = gb.evaluate(points(), points(seed=1), ["recall_pixels"])
    assert list(scores) == ["recall_pixels"] and 0 <= scores["recall_pixels"] <= 1 and len(scores) == 1
    both = gb.evaluate(points(), points(seed=1), [PrecisionRecall(features="pixels")])
    assert set(both) == {"precision_pixels", "recall_pixels"} and both["recall_pixels"] == scores["recall_pixels"]
    table = both.table()
    assert list(table.columns) == ["metric", "value", "stderr", "n", "n_reference", "evaluator", "better"]
    assert (
        set(table["n"]) == {60}
        and set(table["better"]) == {"higher"}
        and "| precision_pixels |" in both._repr_markdown_()
    )


def test_a_dataset_brings_its_modes() -> None:
    scores = gb.evaluate(points(), "dataset:ring8", [ModeCoverage()])
    assert 0 <= scores["modes"] <= 8


@pytest.mark.parametrize(
    ("samples", "said"),
    [
        (images().float(), "images of torch.float32, whose range is not known. uint8 in 0..255, or a value_range"),
        (images()[:, 0], r"torch.uint8 of shape \(60, 8, 8\). images \(n, c, h, w\)"),
        (images().long(), "torch.int64. uint8 images in 0..255"),
        (images().permute(0, 2, 3, 1), r"shape \(60, 8, 8, 1\). images \(n, c, h, w\) with c 1 or 3"),
        (images()[:0], r"shape \(0, 1, 8, 8\)"),
        (np.array([["a"]]), "an array of <U1"),
        (points(), "points of 2 dimensions. images of 8x8, grey, as the reference"),
        (3, "an? int. a tensor, an array, a path, or a callable"),
        (lambda z: z, "a callable, and it is not known what to feed it. a Latents"),
        ("nowhere.npy", "nowhere.npy: there is no such file"),
    ],
)
def test_what_is_refused(samples: object, said: str) -> None:
    with pytest.raises(gb.RequestError, match=said):
        gb.Judge(images(seed=1), [FD])(samples)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "said"),
    [(1.5, "values in 0 .. 1.5, outside the range -1 .. 1"), (float("nan"), r"row 3 is not finite \(1 such rows\)")],
)
def test_floats_must_be_in_their_range(value: float, said: str) -> None:
    fake = torch.zeros(60, 1, 8, 8)
    fake[3, 0, 0, 0] = value
    with pytest.raises(gb.RequestError, match=said):
        gb.evaluate(fake, images(), [FD], value_range=(-1, 1))


@pytest.mark.parametrize(
    ("metric", "said"),
    [("recal", "there is no metric 'recal'. did you mean 'recall'?"), ("modes", "modes: .*known modes")],
)
def test_a_named_metric_must_have_a_score(metric: str, said: str) -> None:
    with pytest.raises(gb.RequestError, match=said):
        gb.evaluate(points(), points(seed=1), [metric])


@pytest.mark.gpu
def test_features_are_computed_where_the_samples_are(tmp_path: Path) -> None:
    fake, real = images().float().cuda() / 255, images(seed=1)
    judge = gb.Judge(real, [FD], value_range=(0, 1), results=tmp_path)
    assert judge(fake)[FD] == pytest.approx(judge(fake.cpu())[FD], rel=1e-6)
    assert set(judge._real) == {"cuda:0", "cpu"}
