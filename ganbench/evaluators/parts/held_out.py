"""The frame of evaluators that compare generated samples with training samples and with held-out ones."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import torch

from ganbench.datasets.base import Space, SplitName
from ganbench.evaluators.base import Evaluator, FeatureName, Reference, Score, View
from ganbench.evaluators.parts.protocol import fingerprint, real_view, unsupported_features
from ganbench.evaluators.parts.two_samples import MetricValues


@dataclass(frozen=True, kw_only=True)
class HeldOutComparison(Evaluator):
    """A comparison of generated samples with those of the training split and those of `split`, which G never saw."""

    features: FeatureName = "inception"
    split: SplitName = "test"

    @property
    def least_train(self) -> int:
        """The smallest number of training samples it can compare."""
        return 2

    @property
    def least_held_out(self) -> int:
        """The smallest number of held-out samples it can compare."""
        return 2

    @abstractmethod
    def compare(self, fake: View, train: View, held_out: View, rng: torch.Generator) -> MetricValues:
        """The values for three sets that are large enough."""

    def needs(self) -> tuple[FeatureName, ...]:
        return (self.features,)

    def unsupported(self, space: Space, samples: int, modes: bool) -> str | None:
        if self.split == "train":
            return "needs a held-out split; use split: test or split: validation"
        return unsupported_features(self.features, space)

    def check(self, real: Reference) -> None:
        self._reals(real)

    def __call__(self, fake: View, real: Reference, rng: torch.Generator) -> dict[str, Score]:
        train, held_out = self._reals(real)
        values, facts, stderr, used = self.compare(fake, train, held_out, rng)
        n, m = used or (len(fake), len(held_out))
        sets = {"generated": n, "train": len(train), "real": m, "split": self.split}
        marks = fingerprint(self, **fake.extractor(self.features), **sets, **facts)
        by_metric = zip(self.metrics(), values, strict=True)
        return {metric.name: Score(value, stderr, n, m, marks) for metric, value in by_metric if value is not None}

    def _reals(self, real: Reference) -> tuple[View, View]:
        """The training and the held-out samples; raises `RequestError` if they are too few."""
        train = real_view(real, "train", None, self.least_train)
        return train, real_view(real, self.split, None, self.least_held_out)
