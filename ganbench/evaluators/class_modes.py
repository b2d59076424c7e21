"""Captured classes, and divergences of the generated classes from uniform and from the real classes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ganbench.datasets.base import Space
from ganbench.evaluators.base import Evaluator, FeatureName, Metric, Reference, Score, View
from ganbench.evaluators.parts.protocol import Sizes, fingerprint, real_view, unsupported_features, unsupported_sizes

OFTEN = 20  # samples of a well captured mode


@dataclass(frozen=True, kw_only=True)
class ClassModes(Evaluator):
    """`class_modes`: classes with at least one generated sample; `class_modes_20`: with at least 20.

    A sample's class is the likeliest by the in-domain classifier, whose accuracy is in the fingerprint; on stacked data
    each channel's digit is classified, which makes 1000 modes. In nats: `class_kl_uniform`, KL(generated || uniform
    over the classes), as published for stacked MNIST; `class_kl_real`, KL(generated || labels of the training data),
    left out if a generated class has no real sample; `class_jsd_real`, the Jensen-Shannon divergence from those labels.
    The protocol uses 26,000 samples of stacked MNIST (25,600 in comparisons with unrolled GANs). A perfect sampler of K
    classes has a KL of (K - 1) / (2 n), here 0.0192; differences below that are not informative.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Srivastava et al. 2017 (VEEGAN), arXiv:1705.07761, section 4.1; Metz et al. 2017"

    def metrics(self) -> tuple[Metric, ...]:
        return (
            Metric("class_modes", "higher", low=0, diversity=True, unit="count"),
            Metric("class_modes_20", "higher", low=0, diversity=True, unit="count"),
            Metric("class_kl_uniform", "lower", low=0, diversity=True, unit="nats"),
            Metric("class_kl_real", "lower", low=0, diversity=True, unit="nats"),
            Metric("class_jsd_real", "lower", low=0, high=math.log(2), diversity=True, unit="nats"),
        )

    def needs(self) -> tuple[FeatureName, ...]:
        return ("classifier",)

    def unsupported(self, space: Space, samples: int, modes: bool) -> str | None:
        return unsupported_sizes(Sizes(1, 0), samples) or unsupported_features("classifier", space)

    def __call__(self, fake: View, real: Reference, rng: torch.Generator) -> dict[str, Score]:
        logits = fake.logits("classifier")
        labels, classes = real_view(real, "train", None, least=1).y, logits.shape[1]
        counts = logits.argmax(1).bincount(minlength=classes).double()
        share, uniform = counts / counts.sum(), torch.full((classes,), 1 / classes, dtype=torch.float64)
        values = {
            "class_modes": float((counts >= 1).sum()),
            "class_modes_20": float((counts >= OFTEN).sum()),
            "class_kl_uniform": divergence(share, uniform),
        }
        if labels is not None:
            truth = labels.bincount(minlength=classes).double() / len(labels)
            middle = (share + truth) / 2
            values["class_kl_real"] = divergence(share, truth)
            values["class_jsd_real"] = min((divergence(share, middle) + divergence(truth, middle)) / 2, math.log(2))
        n_real = 0 if labels is None else len(labels)
        facts = {"generated": len(fake), "classes": classes, "real": f"{n_real} labels of the train split"}
        marks = fingerprint(self, **facts, **fake.extractor("classifier"))
        finite = {name: value for name, value in values.items() if value != float("inf")}
        return {name: Score(value, None, len(fake), n_real, marks) for name, value in finite.items()}


def divergence(p: Tensor, q: Tensor) -> float:
    """KL(p || q) in nats of two distributions (k,); infinite if p is positive where q is 0."""
    return max(torch.where(p > 0, p * (p.log() - q.log()), 0.0).sum().item(), 0.0)
