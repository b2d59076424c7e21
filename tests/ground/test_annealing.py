"""The course of an option: its values by hand, against torch's schedulers, and against the formula of R3GAN's code."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from ganbench.annealing import Annealing
from ganbench.component import options
from ganbench.optimizers.adam import Adam
from ganbench.spec import HalfLife, plain, revived

STEPS = 20


def course(**options: Any) -> list[float]:
    annealing = Annealing(**options)
    return [annealing.at(step, STEPS) for step in range(1, STEPS + 2)]


def of_torch(kind: Any, start: float, **options: Any) -> list[float]:
    """The rates that a scheduler of torch gives to the updates 1, 2 ..."""
    rule = torch.optim.SGD([torch.zeros(1)], lr=start)
    scheduler, rates = kind(rule, **options), []
    for _ in range(STEPS + 1):
        rates.append(rule.param_groups[0]["lr"])
        rule.step()
        scheduler.step()
    return rates


def test_values_by_hand() -> None:
    at = [Annealing(start=4, to=0).at(step, 4) for step in (1, 2, 3, 4, 5, 99)]
    assert at == [4, 3, 2, 1, 0, 0]
    warm = Annealing(start=4, to=2, warmup=2, over=4)
    assert [warm.at(step, 100) for step in (1, 2, 3, 4, 5, 6)] == [0, 2, 4, 3, 2, 2]
    cosine = Annealing(start=1, to=3, shape="cosine")
    assert [cosine.at(step, 4) for step in (1, 3, 5)] == [1, 2, 3]
    assert cosine.at(2, 4) == pytest.approx(2 - math.sqrt(0.5), rel=1e-15)
    stairs = Annealing(start=8, shape="step", milestones=(2, 3), factor=0.5)
    assert [stairs.at(step, 9) for step in (1, 2, 3, 4, 9)] == [8, 8, 4, 2, 2]


def test_it_is_what_torch_schedulers_give() -> None:
    schedulers = torch.optim.lr_scheduler
    falls = of_torch(schedulers.LambdaLR, 0.3, lr_lambda=lambda done: max(0, 1 - done / STEPS))
    assert course(start=0.3, to=0) == pytest.approx(falls, rel=1e-12, abs=1e-15)
    cosine = of_torch(schedulers.CosineAnnealingLR, 0.3, T_max=STEPS, eta_min=0.02)
    assert course(start=0.3, to=0.02, shape="cosine") == pytest.approx(cosine, rel=1e-12)
    stairs = of_torch(schedulers.MultiStepLR, 0.3, milestones=[3, 11], gamma=0.2)
    assert course(start=0.3, shape="step", milestones=(3, 11), factor=0.2) == pytest.approx(stairs, rel=1e-12)
    warm = of_torch(schedulers.LambdaLR, 0.3, lr_lambda=lambda done: min(1, done / 7))
    assert course(start=0.3, warmup=7) == pytest.approx(warm, rel=1e-12)


def test_a_constant_course_has_its_value_exactly() -> None:
    for shape in ("linear", "cosine"):
        assert set(course(start=0.1, to=0.1, shape=shape)) == {0.1}
    assert set(course(start=0.1)) == {0.1}


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"shape": "step"}, "needs milestones"),
        ({"shape": "step", "milestones": (3, 3)}, "that rise"),
        ({"shape": "step", "milestones": (3,), "to": 0}, "not to or over"),
        ({"milestones": (3,)}, "belong to the shape step"),
        ({"factor": 0.5, "shape": "cosine"}, "not to cosine"),
        ({"over": 3, "warmup": 3}, "longer than warmup"),
    ],
)
def test_contradictions_are_refused(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Annealing(start=1, **options)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"start": 2e-4, "to": 0}, "0.0002 to 0"),
        ({"start": 1, "to": 0.5, "shape": "cosine", "over": 100, "warmup": 5}, "1 to 0.5 cosine over 100 warmup 5"),
        ({"start": 1, "warmup": 5}, "1 to 1 warmup 5"),
        ({"start": 1, "shape": "step", "milestones": (3, 9)}, "1 x0.1 at 3 9"),
    ],
)
def test_its_text_and_its_json(options: dict[str, Any], text: str) -> None:
    annealing = Annealing(**options)
    assert str(annealing) == text
    for complete in (False, True):
        written = plain(annealing, complete=complete)
        assert written["from"] == options["start"] and "start" not in written
        assert revived(written) == annealing


def test_the_options_of_a_component_say_what_can_anneal() -> None:
    assert [option["name"] for option in options(Adam) if "anneals" in option] == ["lr", "g_lr", "d_lr", "beta2"]


def test_the_half_life_of_the_average() -> None:
    assert HalfLife(half_life=1).at(3, 10) == 0.5
    assert HalfLife(half_life=4).at(1, 10) ** 4 == pytest.approx(0.5, rel=1e-15)
    rising = HalfLife(half_life=revived({"from": 0, "to": 2}))
    assert [rising.at(step, 2) for step in (1, 2, 3)] == [0, 0.5, pytest.approx(math.sqrt(0.5), rel=1e-15)]
    assert revived(plain(rising)) == rising and str(rising) == "half-life 0 to 2"


def of_r3gan(images: float, start: float, end: float, total: float) -> float:
    """`cosine_decay_with_warmup` of the authors' code (brownvc/R3GAN at 19a7ddf), without warm-up."""
    if images > total:
        return end
    return start + (1 - 0.5 * (1 + math.cos(math.pi * images / total))) * (end - start)


R3GAN_CIFAR10 = {
    "lr": (2e-4, 5e-5),
    "gamma": (0.05, 0.005),
    "beta2": (0.9, 0.99),
    "ema": (0.0, 5e6),
    "aug": (0.0, 0.55),
}


@pytest.mark.parametrize(("start", "end"), R3GAN_CIFAR10.values(), ids=R3GAN_CIFAR10.keys())
def test_the_schedules_of_r3gan_on_cifar10(start: float, end: float) -> None:
    batch, total = 512, 2e7
    annealing = Annealing(start=start, to=end, shape="cosine", over=total / batch)
    for step in (1, 2, 1000, 20_000, 39_063, 39_064, 100_000):
        expected = of_r3gan((step - 1) * batch, start, end, total)
        assert annealing.at(step, 400_000) == pytest.approx(expected, rel=1e-12, abs=1e-15 * max(start, end))


def test_the_half_life_of_r3gan() -> None:
    """`0.5 ** (batch_size / max(ema_nimg, 1e-8))` in images is the decay of a half-life in updates."""
    batch, total = 512, 2e7
    decay = HalfLife(half_life=revived({"from": 0, "to": 5e6 / batch, "shape": "cosine", "over": total / batch}))
    for step in (1, 2, 1000, 39_064):
        images = of_r3gan((step - 1) * batch, 0, 5e6, total)
        assert decay.at(step, 400_000) == pytest.approx(0.5 ** (batch / max(images, 1e-8)), rel=1e-12)


@pytest.mark.parametrize("iterations", [50_000, 100_000], ids=["sngan", "wgan_gp"])
def test_the_rates_of_residual_networks_on_cifar10(iterations: int) -> None:
    """SN-GAN: Chainer's `LinearShift` of alpha from 2e-4 at iteration 0 to 0; WGAN-GP: `1 - iteration / ITERS`."""
    for iteration, expected in ((0, 2e-4), (iterations // 4, 1.5e-4), (iterations - 1, 2e-4 / iterations)):
        rate = Annealing(start=2e-4, to=0).at(iteration + 1, iterations)
        assert rate == pytest.approx(expected, rel=1e-9)
