"""Every evaluator: on real pixels and points, and on given features where an extractor would be needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor

from ganbench import testing
from ganbench.datasets.base import Data, Dataset, Space
from ganbench.datasets.ring8 import Ring8
from ganbench.evaluators.base import KNOWN, Evaluator, FeatureName, Metric, Reference, Score, View
from ganbench.plugins import Registry
from ganbench.rng import stream
from tests.support.evaluation import Given, image_data, points_data, real_side
from tests.support.networks import sound_networks, unsound_networks

REGISTRY = Registry()
KINDS = REGISTRY.names("evaluator")
OF_NETWORKS = [kind for kind in KINDS if REGISTRY.find("evaluator", kind).reads_networks]
SMALL = {"bins": 4, "subsets": 3, "num": 4, "least": 1000}  # by option, for the evaluators that have it
BARE = {"mmd": "pixels", "sliced_wasserstein": "pixels"}  # the features of the bare name, if not Inception's
N = 40


def small(kind: str) -> Any:
    evaluator: Any = REGISTRY.find("evaluator", kind)
    return evaluator(**{f.name: SMALL[f.name] for f in fields(evaluator) if f.name in SMALL})


def each(kind: str) -> list[Any]:
    """An evaluator with its defaults, with each option changed, and with pixels where it can have them."""
    values = [small(kind), *testing.variations(small(kind))]
    if any(f.name == "features" and "FeatureName" in str(f.type) for f in fields(values[0])):
        values.append(replace(values[0], features="pixels"))
    return values


@pytest.fixture(scope="module")
def sides(
    tmp_path_factory: pytest.TempPathFactory, load: Callable[[Dataset], Data]
) -> dict[str, tuple[View, Reference]]:
    """Generated and real samples: points of a mixture, images, and rows that stand for any features."""
    cache = tmp_path_factory.mktemp("cache")
    ring, rows = load(Ring8()), torch.rand(2 * N, 10, generator=stream(0, "rows"))
    points = real_side(points_data(ring.test.x[:100], ring.validation.x[:100], ring.modes), cache)
    images = real_side(image_data(N), cache)
    five = Space((3, 299, 299), 5)
    pictures, labels = image_data(N, seed=1).test, torch.arange(N) % 5
    return {
        "points": (points.view(ring.draw(N, stream(1, "fake")).double(), networks=sound_networks()), points),
        "images": (images.view(pictures.x, pictures.y, networks=sound_networks()), images),
        "features": (Given(rows[:N], labels, five), Given(rows[N:], labels, five)),
    }


def check(evaluator: Evaluator, sides: dict[str, tuple[View, Reference]]) -> int:
    """Check it on every side that it fits and whose features are there; how many."""
    checked = 0
    for name, (fake, real) in sides.items():
        available: set[FeatureName] = {"pixels"} if name != "features" else set(KNOWN)
        looks_at_samples = not evaluator.needs() and name == "features"  # where there are none to look at
        fits = evaluator.unsupported(real.space, len(fake), real.modes is not None) is None and not looks_at_samples
        if fits and set(evaluator.needs()) <= available:
            scores = testing.check_evaluator(evaluator, fake, real)
            assert scores, f"{evaluator.notation()} reports no score for {name}"
            checked += 1
    return checked


@pytest.mark.parametrize("kind", KINDS)
def test_evaluator(kind: str, sides: dict[str, tuple[View, Reference]]) -> None:
    values = each(kind)
    assert sum(check(evaluator, sides) for evaluator in values) >= len(values)


@pytest.mark.parametrize("kind", KINDS)
def test_features_are_in_the_names_of_metrics(kind: str) -> None:
    """The bare name means Inception; two kinds of features never report under one name."""
    by_features = {}
    for evaluator in each(kind):
        for feature in evaluator.needs():
            by_features[feature] = {metric.name for metric in evaluator.metrics()}
    for feature, names in by_features.items() if len(by_features) > 1 else ():
        shown = feature.removeprefix("inception_")  # `fid_clean`
        assert all(feature == BARE.get(kind, "inception") or name.endswith(shown) for name in names)
        assert all(names.isdisjoint(others) for other, others in by_features.items() if other != feature)


def test_no_two_evaluators_report_one_name() -> None:
    names = [metric.name for kind in KINDS for metric in small(kind).metrics()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("kind", KINDS)
def test_too_few_samples_and_unusual_spaces_are_unsupported_with_a_reason(kind: str) -> None:
    for space in (Space((2,)), Space((1, 8, 8)), Space((3, 32, 32), 10)):
        for samples in (1, 2, 1000):
            reason = small(kind).unsupported(space, samples, False)
            assert reason is None or (isinstance(reason, str) and reason.strip())


@pytest.mark.parametrize("kind", KINDS)
def test_the_seed_is_the_only_source_of_randomness(kind: str, sides: dict[str, tuple[View, Reference]]) -> None:
    """A score doesn't depend on torch's global generator, nor moves it."""
    evaluator = small(kind)
    available = [sides["features"]] if evaluator.needs() else [sides["images"], sides["points"]]
    fitting = [
        one for one in available if evaluator.unsupported(one[1].space, len(one[0]), one[1].modes is not None) is None
    ]
    assert fitting
    for fake, real in fitting:
        before = torch.random.get_rng_state()
        first = evaluator(fake, real, stream(0, "check"))
        torch.rand(7)
        assert evaluator(fake, real, stream(0, "check")) == first
        torch.random.set_rng_state(before)
        evaluator(fake, real, stream(0, "check"))
        assert torch.equal(torch.random.get_rng_state(), before)


def damaged(good: Tensor, real: Tensor) -> list[Tensor]:
    """Noise, one sample again and again, and copies of real samples: metrics should get worse."""
    noise = stream(2, "noise")
    shape = good.shape
    coarse = torch.randint(0, 256, shape, generator=noise, dtype=torch.uint8) if good.dtype == torch.uint8 else None
    random = 5 * torch.randn(shape, generator=noise, dtype=torch.float64) if coarse is None else coarse
    return [random.to(good.dtype), good[:1].repeat(len(good), *(1,) * (good.dim() - 1)), real[: len(good)].clone()]


@pytest.mark.parametrize("kind", OF_NETWORKS)
def test_every_metric_gets_worse_with_unsound_networks(kind: str) -> None:
    x, evaluator = torch.rand(4, 2), small(kind)
    sound, unsound = (
        evaluator(Given(x, networks=networks), Given(x), stream(0, "check"))
        for networks in (sound_networks(), unsound_networks())
    )
    assert sound.keys() == unsound.keys() == {metric.name for metric in evaluator.metrics()}
    for metric in evaluator.metrics():
        good, bad = sound[metric.name].value, unsound[metric.name].value
        assert good < bad if metric.better == "lower" else good > bad, metric.name


@pytest.mark.parametrize("kind", sorted(set(KINDS) - set(OF_NETWORKS)))
def test_every_metric_gets_worse_with_some_damage(kind: str, sides: dict[str, tuple[View, Reference]]) -> None:
    """It is the generated samples that are scored, not the real ones, and `better` is the right way round."""
    evaluator, n = small(kind), 300
    if evaluator.needs():
        space, labels = Space((3, 299, 299), 10), torch.arange(n) % 10
        real, good = (8 * torch.eye(10)[labels] + torch.randn(n, 10, generator=stream(i, "rows")) for i in (0, 1))
        reference: Any = Given(real, labels, space)
        made = [Given(x, labels, space) for x in (good, *damaged(good, real))]
    else:
        kinds = {
            "points": Ring8().load(None).draw(n, stream(1, "fake")).double(),
            "images": image_data(n, seed=1).test.x,
        }
        fits = (name for name in kinds if evaluator.unsupported(sides[name][1].space, n, name == "points") is None)
        reference = sides[name := next(fits)][1]
        labels = torch.arange(n) % 4  # of the images
        sets = (kinds[name], *damaged(kinds[name], reference.split("train").x))
        made = [reference.view(x, labels[: len(x)] if name == "images" else None) for x in sets]
    like_real, *worse = [evaluator(view, reference, stream(0, "check")) for view in made]
    judged = [metric for metric in evaluator.metrics() if metric.better != "neither" and metric.name in like_real]
    assert judged
    for metric in judged:
        values = [scores[metric.name].value for scores in worse if metric.name in scores]
        told = max(values) if metric.better == "lower" else -min(values)
        assert told > (1 if metric.better == "lower" else -1) * like_real[metric.name].value, metric.name


# --- the check can fail ---


@dataclass(frozen=True, kw_only=True)
class Broken(Evaluator):
    """An evaluator that keeps one part of the contract less, by `fault`."""

    version: ClassVar[int] = 1
    source: ClassVar[str] = "a test"
    fault: str = ""

    def metrics(self) -> tuple[Metric, ...]:
        twice = (Metric("mean", "lower"),) if self.fault == "declares a metric twice" else ()
        return (Metric("mean", "lower", low=0, high=1), *twice)

    def needs(self) -> tuple[FeatureName, ...]:
        return ("pixels",)

    def unsupported(self, space: Space, samples: int, modes: bool) -> str | None:
        return "never" if self.fault == "doesn't fit: never" else None

    def __call__(self, fake: View, real: Reference, rng: torch.Generator) -> dict[str, Score]:
        score = Score(0.5, 0.1, len(fake), 0, {"extractor": "none"})
        match self.fault:
            case "is not in":
                return {"mean": replace(score, value=1.5)}
            case "is nan":
                return {"mean": replace(score, value=float("nan"))}
            case "is tensor":
                return {"mean": replace(score, value=torch.tensor(0.5))}  # type: ignore[arg-type]
            case "not declared":
                return {"other": score}
            case "other numbers for the same seed":
                return {"mean": replace(score, value=torch.rand(()).item())}
            case "changes its inputs":
                fake.x.add_(0.1)
            case "fingerprint is not made of texts":
                return {"mean": replace(score, fingerprint={"extractor": ""})}
            case "its stderr is -":
                return {"mean": replace(score, stderr=-1.0)}
            case "n 0":
                return {"mean": replace(score, n=0)}
        return {"mean": score}


FAULTS = ("declares a metric twice", "doesn't fit: never", "is not in", "is nan", "is tensor", "not declared",
          "other numbers for the same seed", "changes its inputs", "fingerprint is not made of texts",
          "its stderr is -", "n 0")  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_evaluator_fails_the_check(fault: str, tmp_path: Path) -> None:
    real = real_side(points_data(torch.rand(9, 2).tolist()), tmp_path)
    fake = real.view(torch.rand(7, 2, dtype=torch.float64))
    assert testing.check_evaluator(Broken(), fake, real).keys() == {"mean"}
    with pytest.raises(AssertionError, match=fault):
        testing.check_evaluator(Broken(fault=fault), fake, real)
