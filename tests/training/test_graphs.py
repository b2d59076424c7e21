"""Recording of turns: when it begins, when it is given up, and what that leaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor

from ganbench import testing
from ganbench.testing.claim import same
from ganbench.training.graphs import WARM_UP, Turns
from ganbench.training.state import Place
from ganbench.training.tape import tape
from ganbench.training.trainer import train
from ganbench.variants.base import Batch, LossTerms, Players
from ganbench.variants.ns import NonSaturating

STEPS = WARM_UP + 3


@dataclass(frozen=True, kw_only=True)
class ReadsAValue(NonSaturating):
    """A loss that asks the device for a number, which a CUDA graph can't hold."""

    def d_loss(self, net: Players, batch: Batch) -> LossTerms:
        return super().d_loss(net, replace(batch, x=batch.x + (batch.x.mean().item() - batch.x.mean())))


@dataclass(frozen=True, kw_only=True)
class Declines(NonSaturating):
    capturable: ClassVar[bool] = False


def added(total: Tensor) -> Callable[[dict[str, Tensor]], dict[str, Tensor]]:
    """A function that adds its input to a total, in place, and returns twice the total."""

    def function(given: dict[str, Tensor]) -> dict[str, Tensor]:
        total.add_(given["x"])
        return {"twice": total * 2}

    return function


def test_a_function_is_executed_a_few_times_and_then_recorded_once() -> None:
    total, recorded = torch.zeros(2), []

    def record(function: Callable[[], Any]) -> Callable[[], Any]:
        recorded.append(float(total[0]))
        return tape(function)

    turns, function = Turns(record), added(total)
    results = [turns("key", function, {"x": torch.full((2,), float(x))}) for x in range(1, 8)]
    assert recorded == [6.0], "after 1 + 2 + 3; recording itself adds nothing"
    assert [float(made["twice"][0]) for made in results] == [2, 6, 12, 20, 30, 42, 56]
    assert turns.eager is None


def test_each_key_is_recorded_for_itself() -> None:
    total = torch.zeros(1)
    turns = Turns(tape)
    for _ in range(5):
        turns("add", added(total), {"x": torch.ones(1)})
        turns("subtract", added(total), {"x": -torch.ones(1)})
    assert float(total) == 0 and turns.eager is None


def test_another_shape_ends_recording() -> None:
    turns = Turns(tape)

    def total(given: dict[str, Tensor]) -> dict[str, Tensor]:
        return {"sum": given["x"].sum()}

    sums = [turns("key", total, {"x": torch.ones(n)}) for n in (2, 2, 2, 2, 2, 3, 2)]
    assert [float(made["sum"]) for made in sums] == [2, 2, 2, 2, 2, 3, 2]
    assert turns.eager == "the shapes of a turn change"


def test_tensors_that_are_one_stay_one() -> None:
    turns = Turns(tape)

    def is_one(given: dict[str, Tensor]) -> dict[str, Tensor]:
        return {"same": given["a"] * (2 if given["a"] is given["b"] else 3)}

    shared, other = torch.ones(1), torch.ones(1)
    for _ in range(WARM_UP + 1):
        assert float(turns("key", is_one, {"a": shared, "b": shared})["same"]) == 2
    assert float(turns("key", is_one, {"a": shared, "b": other})["same"]) == 3
    assert turns.eager is not None


@pytest.mark.parametrize(
    ("variant", "reason"),
    [
        (
            ReadsAValue(),
            "recording failed with RuntimeError: operation not permitted in a recording",
        ),
        (Declines(), "not capturable"),
    ],
    ids=["reads a value", "declines"],
)
def test_without_a_recording_training_goes_on_with_the_same_numbers(variant: Any, reason: str) -> None:
    spec = testing.small_run(variant=variant, steps=STEPS)
    data = spec.dataset.load(None)
    (executed,) = train([spec], data, (STEPS,))
    (given_up,) = train([spec], data, (STEPS,), Place(record=tape))
    assert given_up.eager is not None and reason in given_up.eager
    assert same(executed.runs[0].checkpoint(), given_up.runs[0].checkpoint())


def test_a_recorded_run_resumes_to_the_same_numbers() -> None:
    spec = testing.small_run(steps=2 * STEPS)
    data = spec.dataset.load(None)
    (straight,) = train([spec], data, (2 * STEPS,))
    half = next(train([spec], data, (STEPS,), Place(record=tape))).runs[0].checkpoint()
    (resumed,) = train([spec], data, (2 * STEPS,), Place(record=tape), [half])
    assert same(straight.runs[0].checkpoint(), resumed.runs[0].checkpoint())


def test_what_records() -> None:
    assert Place.of("cpu").record is tape and Place().record is None
    assert Place.of("cuda:1").record not in (tape, None) and Place.of("cuda:1").device == "cuda:1"
