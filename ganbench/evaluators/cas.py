"""The classification accuracy score: how well a classifier that has seen generated images only knows real ones."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch

from ganbench.component import Count
from ganbench.datasets.base import Space, SplitName
from ganbench.errors import RequestError
from ganbench.evaluators.base import Evaluator, FeatureName, Metric, Reference, Score, View
from ganbench.evaluators.parts.classifier import LEAST, RECIPE, fit, floats, trained
from ganbench.evaluators.parts.protocol import Sizes, fingerprint, on_split, unsupported_sizes

CHUNK = 1000  # real images that are classified at once


@dataclass(frozen=True, kw_only=True)
class CAS(Evaluator):
    """`cas`: the share (0..1) of real images that a classifier trained on the generated images and labels gets right.

    Where `label_accuracy` asks whether samples show their label, this also falls when they lack variety within a class:
    a perfect generator reaches the accuracy of a classifier trained on as many real images. The paper trains a
    ResNet-50; here it is the network and the recipe of the features `classifier`, which sees `least` images or more, in
    4 passes or more, on one CPU thread (5 s for the digits). `stderr` is binomial over the real images. Samples
    without labels, of an unconditional network, have no score.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Ravuri and Vinyals 2019, Classification accuracy score, arXiv:1905.10887, section 3"

    split: SplitName = "test"
    least: Count = LEAST

    def metrics(self) -> tuple[Metric, ...]:
        return (Metric(on_split("cas", self.split), "higher", low=0, high=1, unit="share of real images"),)

    def needs(self) -> tuple[FeatureName, ...]:
        return ()

    def unsupported(self, space: Space, samples: int, modes: bool) -> str | None:
        if not (space.is_image and space.classes >= 2 and space.stacked == 1):
            return "needs single images with labels of at least 2 classes"
        return unsupported_sizes(Sizes(2, 0), samples)

    def check(self, real: Reference) -> None:
        if real.split(self.split).y is None:
            raise RequestError(f"the {self.split} split", "it has no labels", "labelled images", "leave out cas")

    def __call__(self, fake: View, real: Reference, rng: torch.Generator) -> dict[str, Score]:
        test = real.split(self.split)
        if fake.y is None or test.y is None:
            return {}
        net = trained(real.space, fit(real.space, fake.x, fake.y, self.least))
        with torch.no_grad():
            guessed = torch.cat([net(floats(x)).argmax(1) for x in torch.split(test.x, CHUNK)])
        share = (guessed == test.y).double().mean().item()
        facts = {"generated": len(fake), "real": len(test), "split": self.split, "classifier": RECIPE}
        stderr = math.sqrt(share * (1 - share) / len(test))
        (metric,) = self.metrics()
        return {metric.name: Score(share, stderr, len(fake), len(test), fingerprint(self, **facts))}
