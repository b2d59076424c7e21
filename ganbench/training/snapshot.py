"""What the trainer yields: a look at every run of a pack after some step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from ganbench.spec import RunSpec
    from ganbench.training.state import Checkpoint
    from ganbench.variants.base import Params


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
    """One run at a snapshot. The functions read the trainer's state as it is now: call them before going on."""

    spec: RunSpec
    step: int
    terms: dict[str, float]  # means since the last snapshot (`d/real`), `carry/...`, `health/...`; none once diverged
    diverged: Divergence | None
    checkpoint: Callable[[], Checkpoint]  # everything needed to resume
    generator: Callable[[], Params]  # the weights that `sample` needs
    measures: Callable[[], dict[str, Measured]]  # what the variant measures of its own networks on the test split


@dataclass(frozen=True)
class Snapshot:
    """Every run of a pack after `step` generator updates."""

    step: int
    runs: tuple[RunSnapshot, ...]
