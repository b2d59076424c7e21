"""What the trainer yields: a snapshot of every run of a pack after some step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ganbench.evaluators.base import Networks
    from ganbench.spec import RunSpec
    from ganbench.training.packs import Checkpoint
    from ganbench.variants.base import Params

Terms = dict[str, dict[str, float]]  # by group: `d` and `g` (loss terms), `health`, `carry`


def flat_name(group: str, name: str) -> str:
    """`d/real`: the name of a term in files and in MLflow."""
    return f"{group}/{name}"


def flat(terms: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """`{"d/real": 0.7, "health/d_order": 0.9}`: the terms of all groups, as a file holds them."""
    return {flat_name(group, name): value for group, values in terms.items() for name, value in values.items()}


@dataclass(frozen=True)
class Divergence:
    """The first non-finite number of a run: after which generator step, in which term (`d/real`, `g/parameters`)."""

    step: int
    term: str


class Measured(NamedTuple):
    """A mean over n test samples, with its standard error (None for one sample)."""

    value: float
    stderr: float | None
    n: int


@dataclass(frozen=True)
class RunSnapshot:
    """One run at a snapshot. Its functions and networks read the trainer's present state, before it goes on."""

    spec: RunSpec
    step: int
    terms: Terms  # means of loss terms since the last snapshot, and the newest of the rest; empty once diverged
    diverged: Divergence | None
    checkpoint: Callable[[], Checkpoint]
    generator: Callable[[], Params]  # the tensors that `sample` needs, as a file keeps them
    measures: Callable[[], dict[str, Measured]]  # what the variant measures of its own networks on the test split
    networks: Networks  # for the evaluators that read them


@dataclass(frozen=True)
class Snapshot:
    """Every run of a pack after `step` generator updates."""

    step: int
    runs: tuple[RunSnapshot, ...]
    eager: str | None  # why turns are executed one operation at a time; None if they are recorded and replayed
