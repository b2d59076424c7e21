"""Options that change during training, as a learning rate that falls to 0: their value as a function of the step."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, TypeVar, get_args, get_origin, get_type_hints

from annotated_types import Ge, Gt

from ganbench.text import number

if TYPE_CHECKING:
    from collections.abc import Callable

FROM = "from"  # how `start` is written; in Python the word is reserved


def written_name(option: Any) -> str:
    """The name of a dataclass's field in suites and in JSON."""
    name: str = option.metadata.get("written", option.name)
    return name


@dataclass(frozen=True, kw_only=True)
class Annealing:
    """The course of an option: `{from: 2e-4, to: 0, shape: cosine}` in a suite. All lengths are in generator steps.

    t is the number of steps done, so that the first step has t = 0. During the first `warmup` steps the value rises
    linearly from 0 to `start`. Then, with p = (t - warmup) / (over - warmup), at most 1, it is for the shape
    `linear`: start + p (to - start);
    `cosine`: start + (1 - cos(pi p)) / 2 (to - start) (Loshchilov and Hutter 2017, arXiv:1608.03983, equation 5,
    without restarts);
    `step`: start times `factor` for each of the `milestones` up to t; it takes neither `to` nor `over`.
    `over` is the whole training by default, and `to` is `start`. Raises `ValueError` for options that contradict each
    other.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {
        **{"extra": "forbid", "strict": True, "allow_inf_nan": False},
        "alias_generator": lambda name: FROM if name == "start" else name,
    }

    start: float = field(metadata={"written": FROM})
    to: float | None = None
    shape: Literal["linear", "cosine", "step"] = "linear"
    over: Annotated[float, Gt(0)] | None = None
    warmup: Annotated[float, Ge(0)] = 0.0
    milestones: tuple[Annotated[float, Gt(0)], ...] = ()
    factor: Annotated[float, Gt(0)] | None = None  # None: 0.1 for the shape `step`

    def __post_init__(self) -> None:
        if self.shape == "step":
            if self.to is not None or self.over is not None:
                raise ValueError("the shape step takes milestones and factor, not to or over")
            if not self.milestones or list(self.milestones) != sorted(set(self.milestones)):
                raise ValueError("the shape step needs milestones: numbers of steps that rise")
        elif self.milestones or self.factor is not None:
            raise ValueError(f"milestones and factor belong to the shape step, not to {self.shape}")
        if self.over is not None and self.over <= self.warmup:
            raise ValueError("over must be longer than warmup, which is a part of it")

    def __str__(self) -> str:
        """`0.0002 to 0 cosine`: as notations show it, without commas."""
        if self.shape == "step":
            course = [f"x{number(self._factor)} at {' '.join(map(number, self.milestones))}"]
        else:
            course = [f"to {number(self._end)}", *([self.shape] if self.shape != "linear" else [])]
            course += [f"over {number(self.over)}"] if self.over is not None else []
        course += [f"warmup {number(self.warmup)}"] if self.warmup else []
        return " ".join([number(self.start), *course])

    def at(self, step: int, steps: int) -> float:
        """The value in a step (from 1) of a training of `steps` steps."""
        done = step - 1
        if done < self.warmup:
            return self.start * done / self.warmup
        if self.shape == "step":
            return self.start * self._factor ** sum(milestone <= done for milestone in self.milestones)
        end = steps if self.over is None else self.over
        if done >= end:
            return self._end
        share = (done - self.warmup) / (end - self.warmup)
        if self.shape == "cosine":
            share = (1 - math.cos(math.pi * share)) / 2
        return self.start + share * (self._end - self.start)

    def limits(self) -> dict[str, float]:
        """The values between which it runs, by their written names."""
        if self.shape == "step":
            return {FROM: self.start, "milestones": self.start * self._factor ** len(self.milestones)}
        return {FROM: self.start} | ({} if self.to is None else {"to": self.to})

    @property
    def _end(self) -> float:
        return self.start if self.to is None else self.to

    @property
    def _factor(self) -> float:
        return 0.1 if self.factor is None else self.factor


class _CanAnneal:
    """The mark of an option that may be an `Annealing` in a run's spec. Losses and updates see the number of a step."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> dict[str, Any]:
        return {"type": "union", "choices": [handler(source), handler.generate_schema(Annealing)]}


CAN_ANNEAL = _CanAnneal()
Number = TypeVar("Number")
Annealable = Annotated[Number, CAN_ANNEAL]  # `weight: Annealable[NonNegative] = 10.0`


def annealable(owner: type) -> dict[str, Any]:
    """The options that may be annealed, each with the type of its constant values."""
    hints = get_type_hints(owner, include_extras=True)
    found = {f.name: _constant(hints[f.name]) for f in fields(owner)}
    return {name: kind for name, kind in found.items() if kind is not None}


def nested(owner: type) -> dict[str, type]:
    """The options whose value may be a mapping, each with the dataclass of that mapping."""
    hints = get_type_hints(owner, include_extras=True)
    found = {name: kind for name, hint in hints.items() for kind in get_args(hint) if _is_dataclass(kind)}
    return found | dict.fromkeys(annealable(owner), Annealing)


def annealed(owner: Any) -> dict[str, Annealing]:
    """The options of a component that change during training."""
    return {f.name: value for f in fields(owner) if isinstance(value := getattr(owner, f.name), Annealing)}


def read_annealing(body: Mapping[str, Any], revived: Callable[[Any], Any]) -> Annealing:
    """The value that was written with `written_name` as its keys."""
    return Annealing(**{"start" if name == FROM else name: revived(value) for name, value in body.items()})


def _is_dataclass(kind: Any) -> bool:
    return isinstance(kind, type) and is_dataclass(kind)


def _constant(hint: Any) -> Any:
    """The type of an option's constants if it carries the mark, in itself or in a part of a union."""
    args = get_args(hint)
    if get_origin(hint) is Annotated:
        kept = tuple(mark for mark in args[1:] if mark is not CAN_ANNEAL)
        return None if len(kept) == len(args) - 1 else Annotated[(args[0], *kept)] if kept else args[0]
    return next((kind for arg in args if (kind := _constant(arg)) is not None), None)
