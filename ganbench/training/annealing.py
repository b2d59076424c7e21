"""The options of a run that change during training, as they are in one step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ganbench.annealing import annealed
from ganbench.spec import HalfLife

if TYPE_CHECKING:
    from ganbench.annealing import Annealing
    from ganbench.spec import RunSpec

Values = dict[str, dict[str, Tensor]]  # by part of the spec and option: {"optimizer": {"lr": ...}}, without dimensions


@dataclass(frozen=True)
class Courses:
    """What changes in a run. `options`: by part of the spec and name."""

    options: Mapping[str, Mapping[str, Annealing]]
    spec: RunSpec

    @classmethod
    def of(cls, spec: RunSpec) -> Courses:
        """Those of a run."""
        parts = {axis: annealed(part) for axis, part in spec.components().items()}
        return cls({axis: options for axis, options in parts.items() if options}, spec)

    def numbers(self, step: int) -> dict[str, dict[str, float]]:
        """The values in a step (from 1), with the decay of G's average for its half-life."""
        steps, ema = self.spec.steps, self.spec.schedule.ema
        numbers = {
            axis: {name: course.at(step, steps) for name, course in options.items()}
            for axis, options in self.options.items()
        }
        if isinstance(ema, HalfLife):
            numbers["schedule"] = {"ema": ema.at(step, steps)}
        return numbers

    def values(self, step: int, device: str, *, recorded: bool) -> Values:
        """The same as tensors in float64. Those of the optimizer stay on the CPU unless its updates are `recorded`."""
        places = {} if recorded else {"optimizer": "cpu"}

        def tensor(number: float, axis: str) -> Tensor:
            return torch.tensor(number, dtype=torch.float64, device=places.get(axis, device))

        return {
            axis: {name: tensor(number, axis) for name, number in numbers.items()}
            for axis, numbers in self.numbers(step).items()
        }


def with_values(spec: RunSpec, values: Mapping[str, Mapping[str, Any]]) -> RunSpec:
    """The run with these values for its options."""
    parts = {axis: replace(getattr(spec, axis), **options) for axis, options in values.items()}
    return replace(spec, **parts) if parts else spec


def at_step(spec: RunSpec, step: int) -> RunSpec:
    """The run with the numbers that its options have in a step (from 1)."""
    return with_values(spec, Courses.of(spec).numbers(step))


def as_used(values: Values, dtype: torch.dtype, *, recorded: bool) -> Mapping[str, Mapping[str, Any]]:
    """Values as they enter the computation: in the precision of the losses, or as torch's optimizers take them."""

    def of_rule(value: Tensor) -> Any:
        if not recorded:
            return float(value)
        return value.float() if value.is_cuda else value  # CUDA kernels read a rate as float32

    return {
        axis: {
            name: of_rule(value) if axis == "optimizer" else value if axis == "schedule" else value.to(dtype)
            for name, value in options.items()
        }
        for axis, options in values.items()
    }
