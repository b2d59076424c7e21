"""The base of evaluators: a named protocol that turns samples into scores, each with a fingerprint."""

from __future__ import annotations

import hashlib
import re
from abc import abstractmethod
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, NamedTuple, Protocol, get_args

from annotated_types import Predicate

from ganbench.component import Component

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import torch
    from torch import Tensor

    from ganbench.datasets.base import Modes, Space, SplitName
    from ganbench.optimizers.base import PlayerName

METRIC_NAME = re.compile(r"(?!.*\.\.)[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*")
NAMES_OF_METRICS = "letters, digits, _, - and ., in parts separated by /; the part `class N` is that of a class's score"
OF_A_CLASS = re.compile(r"/class \d+$")  # the end of the name under which the score of a class is reported

Known = Literal[
    "pixels",
    "classifier",
    "inception",
    "inception_clean",
    "dinov2",
    "clip",
    "clip_l14_336",
    "efficientnet_lite0",
    "lpips",
]
KNOWN: tuple[Known, ...] = get_args(Known)


def is_file(features: str) -> bool:
    """Whether features are a user's TorchScript file. Its name becomes part of the metrics' names."""
    path = PurePath(features)
    return path.suffix == ".pt" and path.stem not in KNOWN and re.fullmatch(r"[A-Za-z0-9_-]+", path.stem) is not None


FeatureFile = Annotated[str, Predicate(is_file)]
FeatureName = Known | FeatureFile


@dataclass(frozen=True)
class Metric:
    """A number that an evaluator reports; `low` and `high` bound its values, also within one class.

    `better`: `neither` marks a diagnostic (a chosen width, a flag), which only the tidy table lists.
    `diversity`: whether it measures how many different samples there are, and so can show that a generator collapsed.
    A distance between distributions is not such a metric: bad samples raise it as well.
    `unit`: that of its values in words (`nats`, `share of samples`, `count`), for reports; empty for a metric without.
    """

    name: str
    better: Literal["lower", "higher", "neither"]
    low: float = float("-inf")
    high: float = float("inf")
    diversity: bool = False
    unit: str = ""


def class_metric(metric: str, label: int) -> str:
    """The name under which a metric is reported for one class: `intra_fid/class 3`."""
    return f"{metric}/class {label}"


@lru_cache(maxsize=4096)  # a report asks for that of every score
def declared_metric(name: str) -> str:
    """The metric that a reported name belongs to: `intra_fid` for both `intra_fid` and `intra_fid/class 3`."""
    return OF_A_CLASS.sub("", name)


def is_metric_name(name: object) -> bool:
    """Whether files, tables and MLflow can hold a metric of that name, and no class's score has it."""
    return isinstance(name, str) and METRIC_NAME.fullmatch(name) is not None and not OF_A_CLASS.search(name)


@dataclass(frozen=True)
class Score:
    """One measured number. `stderr` is the protocol's own (over samples of one model), never over training seeds."""

    value: float
    stderr: float | None
    n: int  # generated samples used
    n_reference: int  # real samples used; 0 for none
    fingerprint: dict[str, str] = field(default_factory=dict)  # extractor, weights, sizes, split, dtype, versions


class Moments(NamedTuple):
    """Mean (k,) and covariance (k, k) with n - 1 in the denominator; both float64."""

    mean: Tensor
    cov: Tensor


@dataclass(frozen=True)
class Load:
    """What an evaluator is given: how many samples, and how many dimensions the widest of its features have."""

    generated: int
    splits: Mapping[SplitName, int]  # real samples of each split
    dimensions: int


class DiscriminatorScores(NamedTuple):
    """D's scores (n,) of three kinds of samples, higher for more real, and its decision boundary if it has one."""

    train: Tensor
    held_out: Tensor  # reals of the test split
    generated: Tensor
    boundary: float | None


@dataclass(frozen=True)
class SuccessiveGradients:
    """A player's gradient in its last update (p,), and at the present parameters on n fresh batches (n, p)."""

    last: Tensor
    following: Tensor


class Networks(Protocol):
    """The networks of one run in training, after a step. Draws come from streams of that step, the same every time.

    Networks are in evaluation mode, except for the gradients, which are taken as in training.
    """

    def jacobians(self, n: int) -> Tensor:
        """The Jacobians (n, k, z) of G at n latents: of the k coordinates of a sample by the z of what G is fed."""

    def spectral_norms(self) -> Mapping[PlayerName, Tensor]:
        """The largest singular values (layers,) of the linear and convolutional layers that G and D apply, in order.

        In float64 and up to 5 % low; of the weights after any normalisation. A convolution is the map between images.
        """

    def scores(self, n: int) -> DiscriminatorScores:
        """D's scores of n (packed) samples of each kind, augmented as in training."""

    def gradients(self, n: int) -> Mapping[PlayerName, SuccessiveGradients]:
        """The successive gradients of each player, of the networks that it moves alone, on n fresh batches."""


class View(Protocol):
    """A set of samples whose features are computed once for all evaluators."""

    @property
    def networks(self) -> Networks | None:
        """The networks of the run that made the samples, while it is in training; None for other samples."""

    @property
    def x(self) -> Tensor:
        """Samples at rest: uint8 (n, c, h, w) or float (n, d). Read only."""

    @property
    def y(self) -> Tensor | None:
        """Labels (n,), or None."""

    @property
    def device(self) -> str:
        """The device for heavy computation; samples and features stay on the CPU."""

    def __len__(self) -> int: ...

    def first(self, n: int) -> View:
        """The first n samples, or all of them when the set has fewer."""

    def features(self, name: FeatureName) -> Tensor:
        """Features (n, k). `pixels` are flattened: images in [0, 1] as float32, points unchanged."""

    def logits(self, name: FeatureName) -> Tensor:
        """Class logits (n, k) of `classifier` or `inception`."""

    def moments(self, name: FeatureName) -> Moments:
        """Mean and covariance of the features."""

    def derived(self, name: FeatureName, what: str, compute: Callable[[], dict[str, Tensor]]) -> dict[str, Tensor]:
        """The result of `compute`, which is called once; for real samples the result is kept on disk for all processes.

        `what` names everything besides the features that decides the numbers. It becomes part of a file's name.
        """

    def extractor(self, name: FeatureName) -> dict[str, str]:
        """The extractor's part of the fingerprint: name, weights' SHA-256, resizer, dtype, test accuracy."""

    def latent_steps(self, count: int, epsilon: float) -> Iterator[tuple[View, View]]:
        """Batches of `count` new samples, and those of latents `epsilon` of the way to others.

        Images are floats in 0..255, not rounded. Raises `RequestError` if the generator of the samples isn't known.
        """


class Reference(Protocol):
    """The real samples: a view of each split, and the modes of the data where they are known."""

    @property
    def space(self) -> Space: ...

    @property
    def modes(self) -> Modes | None: ...

    def split(self, name: SplitName) -> View: ...


@dataclass(frozen=True, kw_only=True)
class Evaluator(Component):
    """A protocol. The same inputs and seed give the same numbers; inputs are read only."""

    reads_networks: ClassVar[bool] = False  # it scores `View.networks`: runs in training, no samples from elsewhere

    @abstractmethod
    def metrics(self) -> tuple[Metric, ...]:
        """The metrics it reports. Their names say which features were used, unless Inception's (`fd_pixels`, `fid`)."""

    @abstractmethod
    def needs(self) -> tuple[FeatureName, ...]:
        """The features it reads."""

    @abstractmethod
    def unsupported(self, space: Space, samples: int, modes: bool) -> str | None:
        """Why it can't score that many samples of the space, or None. `modes`: whether the data's modes are known."""

    def identity(self) -> dict[str, str]:
        """`{"weights": SHA-256}` of a user's feature file, if the file exists."""
        paths = [Path(name) for name in self.needs() if is_file(name)]
        digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths if path.is_file()]
        return {"weights": " ".join(digests)} if digests else {}

    def memory(self, load: Load) -> int:
        """The bytes that a score takes at most besides the samples: their features, and what is computed from them.

        The default is that of features in float32 with a copy in float64, of the generated samples and the test split.

        A score that does not fit into the machine's memory is left out with that reason.
        """
        return 12 * (load.generated + load.splits.get("test", 0)) * load.dimensions

    def check(self, real: Reference) -> None:
        """Raise `RequestError` if there are too few real samples. Called before a run is trained."""

    @abstractmethod
    def __call__(self, fake: View, real: Reference, rng: torch.Generator) -> dict[str, Score]:
        """Scores by metric name. A metric without a value for these samples is left out."""
