"""A score that is odd costs its metric, with the reason, and nothing else; what does not fit is left out before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

from ganbench.errors import RequestError
from ganbench.evaluators.base import Evaluator, FeatureName, Load, Metric, Reference, Score, View
from ganbench.evaluators.fid import FID
from ganbench.evaluators.modes import ModeCoverage
from ganbench.features import memory
from ganbench.features.bank import Real
from ganbench.features.memory import free_memory, unfit
from ganbench.features.scoring import NO_VALUE, OUT_OF_MEMORY, score_all
from tests.support.evaluation import image_data, real_side


@dataclass(frozen=True, kw_only=True)
class Odd(Evaluator):
    """An evaluator whose two metrics have the values that `make` returns."""

    version: ClassVar[int] = 1
    source: ClassVar[str] = "none"
    make: ClassVar[Callable[[], tuple[Any, Any]]]
    bytes: ClassVar[int] = 0

    def metrics(self) -> tuple[Metric, ...]:
        return (Metric("odd", "lower"), Metric("even", "lower"))

    def needs(self) -> tuple[FeatureName, ...]:
        return ()

    def unsupported(self, space: object, samples: int, modes: bool) -> str | None:
        return None

    def memory(self, load: Load) -> int:
        return self.bytes

    def __call__(self, fake: View, real: Reference, rng: torch.Generator) -> dict[str, Score]:
        odd, even = type(self).make()
        return {"odd": Score(odd, None, np.int64(len(fake)), 0), "even": Score(even, even, len(fake), 0)}  # type: ignore[arg-type]


def odd(make: Callable[[], tuple[Any, Any]], **more: Any) -> Odd:
    return type("Odd", (Odd,), {"__module__": __name__, "make": staticmethod(make), **more})()


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Real:
    return real_side(image_data(), tmp_path_factory.mktemp("cache"))


def scored(real: Real, *evaluators: Evaluator) -> tuple[dict[str, Score], dict[str, str]]:
    """The scores by metric, and the reasons by metric or by evaluator."""
    scoring = score_all(real.view(real.data.validation.x), real, evaluators, 0)
    reasons = {item.metric or item.evaluator.kind(): item.because for item in scoring.absent}
    return {metric: score for _, metric, score in scoring.scores}, reasons


@pytest.mark.parametrize(
    ("value", "because"),
    [
        (float("nan"), "its value is nan"),
        (float("-inf"), "its value is -inf"),
        (np.float32("inf"), "its value is inf"),
        (torch.tensor(float("nan")), "its value is nan"),
        (Decimal("NaN"), "its value is nan"),
        (10**400, "its value is too large for a float"),
        (1j, "its value is a complex, not a real number"),
        ("0.5", "its value is a str, not a real number"),
        (None, "its value is a NoneType, not a real number"),
        (torch.ones(2), "its value is a Tensor of shape (2,), not a real number"),
    ],
)
def test_a_value_that_is_no_finite_number_is_absent_with_its_reason(value: Any, because: str, real: Real) -> None:
    scores, reasons = scored(real, odd(lambda: (value, 2.0)), FID(features="pixels"))
    assert reasons == {"odd": because}
    assert set(scores) == {"even", "fd_pixels"}


HALVES = [np.float32(0.5), np.array([0.5]), torch.tensor([0.5]), Decimal("0.5"), Fraction(1, 2)]


@pytest.mark.parametrize("half", HALVES)
def test_the_numbers_of_other_libraries_are_taken(half: Any, real: Real) -> None:
    scores, reasons = scored(real, odd(lambda: (half, np.int32(3))))
    assert (scores["odd"].value, scores["even"].value, scores["even"].stderr) == (0.5, 3.0, 3.0)
    assert not reasons
    assert all(type(part) in (int, float) for part in (scores["odd"].value, scores["odd"].n, scores["even"].value))


def raising(error: Exception) -> Callable[[], tuple[Any, Any]]:
    def make() -> tuple[Any, Any]:
        raise error

    return make


@pytest.mark.parametrize(
    ("error", "because"),
    [
        (np.linalg.LinAlgError("SVD did not converge"), "it failed with LinAlgError: SVD did not converge"),
        (torch.linalg.LinAlgError("singular"), "it failed with LinAlgError: singular"),  # type: ignore[attr-defined]
        (ZeroDivisionError(), "it failed with ZeroDivisionError: no message"),
        (KeyError("mean"), "it failed with KeyError: 'mean'"),
        (RequestError("the test split", "3 samples", "at least 4"), "the test split: 3 samples; at least 4"),
        (MemoryError(), OUT_OF_MEMORY),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), OUT_OF_MEMORY),
        (torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate"), OUT_OF_MEMORY),
    ],
)
def test_an_evaluator_that_fails_costs_its_own_metrics(error: Exception, because: str, real: Real) -> None:
    scoring = score_all(real.view(real.data.test.x), real, [odd(raising(error)), FID(features="pixels")], 0)
    assert [(item.evaluator.kind(), item.metric, item.because) for item in scoring.absent] == [
        ("test_scoring", "", because)
    ]
    assert [metric for _, metric, _ in scoring.scores] == ["fd_pixels"]
    assert isinstance(error, RequestError) or type(error).__name__ in scoring.absent[0].trace


def test_a_metric_that_is_left_out_and_one_that_is_not_declared_are_named(real: Real) -> None:
    class Wrong(Odd):
        def __call__(self, fake: View, real: Reference, rng: torch.Generator) -> dict[str, Score]:
            return {"odd/class 1": Score(1.0, None, 1, 0), "third": Score(1.0, None, 1, 0), "even": 3}  # type: ignore[dict-item]

    scores, reasons = scored(real, Wrong())
    assert set(scores) == {"odd/class 1"}
    assert reasons["odd"] == NO_VALUE
    assert reasons["third"] == "it is not among its metrics (odd, even), which `metrics` declares"
    assert reasons["even"] == "it is a int, not a Score"


def test_what_does_not_fit_into_memory_is_left_out_before_anything_starts(
    real: Real, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "free_memory", lambda: 10**10)
    large = odd(raising(AssertionError("it must not start")), bytes=309 * 10**9)
    scores, reasons = scored(real, large, FID(features="pixels"))
    assert set(scores) == {"fd_pixels"}
    assert reasons["test_scoring"].startswith("it needs about 309 GB of memory for 64 generated samples of 64 dim")
    assert "10.0 GB are free" in reasons["test_scoring"]


def test_a_covariance_is_counted_only_with_enough_samples(real: Real, monkeypatch: pytest.MonkeyPatch) -> None:
    few, many = (FID(features="pixels").memory(Load(n, {"test": n}, 196_608)) for n in (1000, 200_000))
    assert few < 4e9
    assert many > 3e11
    assert ModeCoverage().memory(Load(1000, {"test": 1000}, 2)) < 1e6


def test_free_memory_is_the_least_of_machine_container_and_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, real: Real
) -> None:
    (tmp_path / "meminfo").write_text("MemTotal: 900 kB\nMemAvailable: 500 kB\n")
    monkeypatch.setattr(memory, "MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(memory, "CGROUPS", {2: (tmp_path, "max", "current", "inactive_file")})
    monkeypatch.setattr(memory, "MEMBERSHIP", tmp_path / "absent")
    assert free_memory() == 500 * 1024
    for name, text in {"max": "300000\n", "current": "200000\n", "memory.stat": "inactive_file 50000\n"}.items():
        (tmp_path / name).write_text(text)
    assert free_memory() == 150_000
    (tmp_path / "max").write_text("max\n")
    assert free_memory() == 500 * 1024
    broken = odd(lambda: (1.0, 1.0), memory=lambda self, load: 1 / 0)
    assert "ZeroDivisionError" in unfit([broken], 10, real)["test_scoring"]
