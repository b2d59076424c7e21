"""The frame of evaluators that compare the features of generated samples with those of real ones."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch

from ganbench.component import Count
from ganbench.datasets.base import Space, SplitName
from ganbench.evaluators.base import Evaluator, FeatureName, Load, Reference, Score, View
from ganbench.evaluators.parts.classes import Per, check_classes, score_classes, unsupported_classes
from ganbench.evaluators.parts.distances import distances_memory, features_memory
from ganbench.evaluators.parts.protocol import Sizes, fingerprint, real_view, unsupported_features, unsupported_sizes
from ganbench.evaluators.parts.statistics import STATISTICS, KnownMoments


class MetricValues(NamedTuple):
    """The values of an evaluator's metrics in their order (None: no value), with facts for the fingerprint."""

    values: tuple[float | None, ...]
    facts: Mapping[str, object]
    stderr: float | None = None
    used: Sizes | None = None  # how many samples were used; None: all


@dataclass(frozen=True, kw_only=True)
class TwoSamples(Evaluator):
    """A comparison of generated samples with real ones of one split.

    `features`: what is compared.
    `split`: the split that gives the real samples.
    `reference`: the number of real samples, the first ones; None: all.
    `per`: `class` also gives the scores within each class of the labels.
    They are properties here. A subclass that offers one of them as an option declares a field of that name: the order
    of the fields is that of its notation.
    """

    libraries: ClassVar[tuple[str, ...]] = ()  # whose versions belong to the fingerprint, besides torch

    @property
    def features(self) -> FeatureName:
        """The features that are compared."""
        return "pixels"

    @property
    @abstractmethod
    def split(self) -> SplitName:
        """The split that generated samples are compared with."""

    @property
    def reference(self) -> int | None:
        """How many real samples are used, the first ones of the split; None: all."""
        return None

    @property
    def per(self) -> Per:
        """`class`: compare within each class and report the mean as well."""
        return "all"

    @property
    def least_samples(self) -> Sizes:
        """The smallest numbers of samples it can compare."""
        return Sizes(2, 2)

    def unsupported_options(self, samples: int) -> str | None:
        """Why its options don't allow a score of that many samples, or None."""
        return None

    @abstractmethod
    def compare(self, fake: View, reals: View, rng: torch.Generator) -> MetricValues:
        """The values for two sets that have at least `least_samples`."""

    def memory_of(self, sizes: Sizes, dimensions: int) -> int:
        """The bytes that `compare` takes at most for two sets of these sizes, besides their features."""
        return distances_memory(sizes, dimensions)

    def memory(self, load: Load) -> int:
        real = load.splits.get(self.split, 0)
        sizes = Sizes(load.generated, min(real, self.reference or real))
        return features_memory(sizes, load.dimensions) + self.memory_of(sizes, load.dimensions)

    def needs(self) -> tuple[FeatureName, ...]:
        return (self.features,)

    def unsupported(self, space: Space, samples: int, modes: bool) -> str | None:
        return (
            self.unsupported_options(samples)
            or unsupported_sizes(self.least_samples, samples, self.reference)
            or unsupported_features(self.features, space)
            or unsupported_classes(self.per, space)
        )

    def check(self, real: Reference) -> None:
        check_classes(self.per, real, self._reals)

    def __call__(self, fake: View, real: Reference, rng: torch.Generator) -> dict[str, Score]:
        if self.per == "class":
            return score_classes(self, fake, real, rng)
        reals = self._reals(real)
        values, facts, stderr, used = self.compare(fake, reals, rng)
        n, m = used or (len(fake), len(reals))
        sets = {"generated": n, "real": STATISTICS if isinstance(reals, KnownMoments) else m, "split": self.split}
        marks = fingerprint(self, *self.libraries, **fake.extractor(self.features), **sets, **facts)
        by_metric = zip(self.metrics(), values, strict=True)
        return {metric.name: Score(value, stderr, n, m, marks) for metric, value in by_metric if value is not None}

    def _reals(self, real: Reference) -> View:
        return real_view(real, self.split, self.reference, self.least_samples.real)


@dataclass(frozen=True, kw_only=True)
class FeatureComparison(TwoSamples):
    """A comparison in any features, of all samples or, with `per: class`, within each class.

    `reference`: how many real samples are used, the first ones of `split`; None: all.
    """

    features: FeatureName = "inception"
    split: SplitName = "test"
    reference: Count | None = None
    per: Per = "all"
