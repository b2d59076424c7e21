"""What an evaluator is: a named protocol that turns samples into scores, with a fingerprint on every score."""

from __future__ import annotations

import hashlib
import re
from abc import abstractmethod
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple, Protocol, get_args

from annotated_types import Predicate

from ganbench.component import Component

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch
    from torch import Tensor

    from ganbench.datasets.base import Modes, Space, SplitName

Known = Literal["pixels", "classifier", "inception", "dinov2", "clip"]
KNOWN: tuple[Known, ...] = get_args(Known)


def is_file(features: str) -> bool:
    """Whether features are a user's TorchScript file; its name, which is none of the known ones, goes into metrics."""
    path = PurePath(features)
    return path.suffix == ".pt" and path.stem not in KNOWN and re.fullmatch(r"[A-Za-z0-9_-]+", path.stem) is not None


FeatureName = Known | Annotated[str, Predicate(is_file)]


@dataclass(frozen=True)
class Metric:
    """A number that an evaluator reports; `low` and `high` bound its values, and those of its parts `NAME/class 3`.

    `better`: `neither` is a diagnostic (a chosen width, a flag): the tidy table has it, the headline tables don't.
    """

    name: str
    better: Literal["lower", "higher", "neither"]
    low: float = float("-inf")
    high: float = float("inf")


@dataclass(frozen=True)
class Score:
    """One measured number. `stderr` is the protocol's own (over samples of one model), never over training seeds."""

    value: float
    stderr: float | None
    n: int  # generated samples that entered
    n_reference: int  # real samples that entered; 0 when none did
    fingerprint: dict[str, str] = field(default_factory=dict)  # extractor, weights, sizes, split, dtype, versions


class Moments(NamedTuple):
    """Mean (k,) and covariance (k, k), the latter with n - 1 in the denominator; both float64."""

    mean: Tensor
    cov: Tensor


class View(Protocol):
    """One set of samples, with features computed once for all evaluators that need them."""

    @property
    def x(self) -> Tensor:
        """Samples at rest: uint8 (n, c, h, w) or float (n, d). Read only."""

    @property
    def y(self) -> Tensor | None:
        """Labels (n,), where the set has them."""

    @property
    def device(self) -> str:
        """Where a score's heavy work is done; samples and features rest on the CPU."""

    def __len__(self) -> int: ...

    def first(self, n: int) -> View:
        """The first n samples; all of them when there are no more."""

    def features(self, name: FeatureName) -> Tensor:
        """Features (n, k), float32: `pixels` are flattened, in [0, 1] for images; points are as they are."""

    def logits(self, name: FeatureName) -> Tensor:
        """Class logits (n, k) of `classifier` or `inception`."""

    def moments(self, name: FeatureName) -> Moments:
        """Mean and covariance of the features."""

    def derived(self, name: FeatureName, what: str, compute: Callable[[], dict[str, Tensor]]) -> dict[str, Tensor]:
        """What `compute` makes of the features: once for these samples, and of real ones once for all processes.

        `what` says everything that decides the numbers besides the features, and is part of a file's name.
        """

    def extractor(self, name: FeatureName) -> dict[str, str]:
        """The extractor's part of the fingerprint: name, weights' SHA-256, resizer, dtype, test accuracy."""


class Reference(Protocol):
    """The real side: a view of each split, and the mixture's truth where the data have one."""

    @property
    def space(self) -> Space: ...

    @property
    def modes(self) -> Modes | None: ...

    def split(self, name: SplitName) -> View: ...


@dataclass(frozen=True, kw_only=True)
class Evaluator(Component):
    """A protocol. Calling it twice with the same inputs and seed gives the same numbers; inputs are read only."""

    @abstractmethod
    def metrics(self) -> tuple[Metric, ...]:
        """What it reports; with features other than Inception's the name says so (`fd_pixels`, not `fid`)."""

    @abstractmethod
    def needs(self) -> tuple[FeatureName, ...]:
        """The features that it reads."""

    @abstractmethod
    def unsupported(self, space: Space, samples: int, modes: bool) -> str | None:
        """Why it can't score so many samples of that space (`modes`: data whose modes are known); None when it can."""

    def identity(self) -> dict[str, str]:
        """`{"weights": SHA-256}` of a user's file of features, where it is there."""
        paths = [Path(name) for name in self.needs() if is_file(name)]
        digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths if path.is_file()]
        return {"weights": " ".join(digests)} if digests else {}

    def check(self, real: Reference) -> None:
        """Raises `RequestError` when the real side is too small for the protocol: asked before a run is trained."""

    @abstractmethod
    def __call__(self, fake: View, real: Reference, rng: torch.Generator) -> dict[str, Score]:
        """The scores by metric name; a metric that can't be computed for these samples is absent."""
