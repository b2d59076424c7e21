"""Scores within each class: those of the class alone, and their mean."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from ganbench.datasets.base import Space, Split
from ganbench.errors import RequestError
from ganbench.evaluators.base import Evaluator, class_metric, declared_metric
from ganbench.evaluators.density_coverage import DensityCoverage
from ganbench.evaluators.fid import FID
from ganbench.evaluators.kid import KID
from ganbench.evaluators.precision_recall import PrecisionRecall
from ganbench.evaluators.vendi import Vendi
from ganbench.features.bank import Real
from tests.support.evaluation import image_data, real_side, scores_of

PLAIN: list[Evaluator] = [
    FID(features="pixels"),
    KID(features="pixels", subsets=2),
    PrecisionRecall(features="pixels"),
    DensityCoverage(features="pixels"),
    Vendi(features="pixels"),
]


def per_class(evaluator: Evaluator) -> Evaluator:
    options: dict[str, Any] = {"per": "class"}
    return replace(evaluator, **options)


def test_a_class_is_named_after_its_metric() -> None:
    assert class_metric("intra_fid", 3) == "intra_fid/class 3"
    assert declared_metric("intra_fid/class 3") == declared_metric("intra_fid") == "intra_fid"


@pytest.fixture
def real(tmp_path: Path) -> Real:
    return real_side(image_data(), tmp_path)


@pytest.mark.parametrize("plain", PLAIN, ids=lambda e: e.kind())
def test_a_class_scores_as_it_would_alone(plain: Evaluator, real: Real, tmp_path: Path) -> None:
    other = image_data(48, seed=1).test
    found = scores_of(per_class(plain), real.view(other.x, other.y))
    names = [metric.name for metric in plain.metrics()]
    assert set(found) == {f"intra_{name}{part}" for name in names for part in ("", *(f"/class {i}" for i in range(4)))}
    data, y = real.data, real.data.test.y
    assert y is not None and other.y is not None
    for name in names:
        if "kd" not in name:  # draws its subsets for each class in turn
            alone = replace(data, test=Split(data.test.x[y == 2]))
            view = real_side(alone, tmp_path).view(other.x[other.y == 2])
            assert found[f"intra_{name}/class 2"].value == pytest.approx(scores_of(plain, view)[name].value, rel=1e-12)
        values = [found[f"intra_{name}/class {i}"].value for i in range(4)]
        assert found[f"intra_{name}"].value == pytest.approx(sum(values) / 4, rel=1e-12)
        mean = found[f"intra_{name}"]
        assert (mean.n, mean.fingerprint["generated"]) == (48, "48 of 4 classes")


def test_a_missing_class_leaves_no_mean_and_no_labels_leave_nothing(real: Real) -> None:
    x, y = real.data.validation.x, real.data.validation.y
    assert y is not None
    found = scores_of(FID(features="pixels", per="class"), real.view(x[y != 1], y[y != 1]))
    assert set(found) == {f"intra_fd_pixels/class {i}" for i in (0, 2, 3)}
    assert scores_of(FID(features="pixels", per="class"), real.view(x)) == {}


def test_a_generator_that_mixes_up_its_classes_scores_worse(real: Real) -> None:
    x, y = real.data.validation.x, real.data.validation.y
    assert y is not None
    right, wrong = (scores_of(FID(features="pixels", per="class"), real.view(x, labels)) for labels in (y, (y + 1) % 4))
    assert wrong["intra_fd_pixels"].value > 2 * right["intra_fd_pixels"].value
    whole = [scores_of(FID(features="pixels"), real.view(x, labels))["fd_pixels"].value for labels in (y, (y + 1) % 4)]
    assert whole[0] == whole[1]


def test_missing_classes_and_classes_with_too_few_samples_are_errors(real: Real) -> None:
    assert "labels of at least 2 classes" in str(
        FID(features="pixels", per="class").unsupported(Space((2,)), 100, False)
    )
    y = torch.zeros(64, dtype=torch.int64)
    y[0] = 1
    thin = replace(real, data=replace(real.data, test=Split(real.data.test.x, y)))
    with pytest.raises(RequestError, match=r"class 1 of the test split: 1 sample\. at least 2"):
        FID(features="pixels", per="class").check(thin)


def test_how_many_samples_a_class_happens_to_have_is_no_part_of_the_protocol(real: Real) -> None:
    x, y = real.data.validation.x, real.data.validation.y
    assert y is not None
    rows = torch.tensor([*range(40), *range(40, 64, 4)])
    one, two = (
        scores_of(KID(features="pixels", per="class"), real.view(x[part], y[part])) for part in (rows, (rows + 1) % 64)
    )
    assert one["intra_kd_pixels/class 0"].n == 16 != two["intra_kd_pixels/class 0"].n
    assert {name: score.fingerprint for name, score in one.items()} == {n: s.fingerprint for n, s in two.items()}


def test_parts_of_the_real_side_are_kept_by_class(tmp_path: Path) -> None:
    real = real_side(image_data(4 * 64), tmp_path)  # as many of each class as dimensions: they have a covariance
    x, y = real.data.validation.x, real.data.validation.y
    scores_of(FID(features="pixels", per="class"), real.view(x, y))
    kept = {path.name.rpartition("-")[0] for path in tmp_path.glob("*.pt")}
    assert kept == {f"moments-class-{i}-pixels" for i in range(4)}
