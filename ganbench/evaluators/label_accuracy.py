"""Whether a conditional generator makes what it is asked for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch

from ganbench.datasets.base import Space
from ganbench.evaluators.base import Evaluator, FeatureName, Metric, Reference, Score, View
from ganbench.evaluators.parts.protocol import feature_misfit, fingerprint


@dataclass(frozen=True, kw_only=True)
class LabelAccuracy(Evaluator):
    """`label_accuracy`: the share (0..1) of samples that the in-domain classifier gives the label asked for.

    The classifier is trained on real images, so this is the paper's GAN-test. Pure chance reaches 1 / classes, which
    the fingerprint tells beside the classifier's accuracy on real test images, what a perfect generator reaches. Labels
    are asked for as often as the training data have them. `stderr` is binomial. Only a conditional network is asked for
    labels: the samples of any other have no score.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Shmelkov et al. 2018, arXiv:1807.09499, section 3 (GAN-test)"

    def metrics(self) -> tuple[Metric, ...]:
        return (Metric("label_accuracy", "higher", low=0, high=1),)

    def needs(self) -> tuple[FeatureName, ...]:
        return ("classifier",)

    def unsupported(self, space: Space, samples: int, modes: bool) -> str | None:
        return "needs a sample at least" if samples < 1 else feature_misfit("classifier", space)

    def __call__(self, fake: View, real: Reference, rng: torch.Generator) -> dict[str, Score]:
        if fake.y is None:
            return {}
        logits = fake.logits("classifier")
        share = (logits.argmax(1) == fake.y.to(logits.device)).double().mean().item()
        facts = {"generated": len(fake), "chance": f"{1 / logits.shape[1]:.4g}"}
        marks = fingerprint(self, **facts, **fake.extractor("classifier"))
        return {"label_accuracy": Score(share, math.sqrt(share * (1 - share) / len(fake)), len(fake), 0, marks)}
