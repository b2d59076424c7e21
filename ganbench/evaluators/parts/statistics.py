"""Real samples of which only the mean and the covariance of some features are known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NoReturn

from torch import Tensor

from ganbench.errors import RequestError
from ganbench.evaluators.base import FeatureName, Moments, Networks, View

STATISTICS = "mean and covariance"  # in a fingerprint, in place of the number of real samples


@dataclass(frozen=True, eq=False)
class KnownMoments:
    """A `View` without samples, from a file of statistics. What needs samples raises `RequestError`."""

    source: str
    known: Moments
    device: str = "cpu"
    y: Tensor | None = None
    networks: Networks | None = None

    @property
    def x(self) -> Tensor:
        self._refuse()

    def __len__(self) -> int:
        return 0

    def first(self, n: int) -> KnownMoments:
        self._refuse()

    def features(self, name: FeatureName) -> Tensor:
        self._refuse()

    def logits(self, name: FeatureName) -> Tensor:
        self._refuse()

    def moments(self, name: FeatureName) -> Moments:
        return self.known

    def derived(self, name: FeatureName, what: str, compute: Callable[[], dict[str, Tensor]]) -> dict[str, Tensor]:
        self._refuse()

    def extractor(self, name: FeatureName) -> dict[str, str]:
        return {"statistics": self.source}

    def latent_steps(self, count: int, epsilon: float) -> Iterator[tuple[View, View]]:
        self._refuse()

    def moments_of(self, name: FeatureName, dimensions: int) -> Moments:
        """The moments, if they can be those of features with so many dimensions. Raises `RequestError` else."""
        if len(self.known.mean) != dimensions:
            given = f"its statistics are of {len(self.known.mean)} dimensions"
            allowed = f"those of features {name!r}, which have {dimensions}"
            raise RequestError(self.source, given, allowed, "name the features that they were computed from")
        return self.known

    def _refuse(self) -> NoReturn:
        given, todo = "it holds the mean and covariance of features, and no samples", "give the real samples"
        raise RequestError(self.source, given, "samples, which this metric needs", todo)
