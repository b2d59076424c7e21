"""EBGAN's modified Inception score for digits."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Gt, Lt

from ganbench.datasets.base import Space
from ganbench.evaluators.base import Evaluator, FeatureName, Metric, Reference, Score, View
from ganbench.evaluators.parts.protocol import feature_misfit, fingerprint


@dataclass(frozen=True, kw_only=True)
class EBGANScore(Evaluator):
    """`ebgan_score`: E_x KL(p(y) || p(y|x)); `ebgan_score_squared`: E_x KL(p(y) || p(y|x))^2, as the paper prints it.

    The square may be a matter of typesetting, so both are told. Unlike in the Inception score the order of KL is
    turned round and there is no exponential. p(y) is that of all samples, by the in-domain classifier (the authors' is
    another one). p(y|x) is floored, since a sure classifier sends the score to infinity: the floor decides it.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Zhao, Mathieu and LeCun 2017, arXiv:1609.03126, section 4.1 and appendix"

    floor: Annotated[float, Gt(0), Lt(1)] = 1e-10

    def metrics(self) -> tuple[Metric, ...]:
        most = -math.log(self.floor)
        return (
            Metric("ebgan_score", "higher", low=0, high=most),
            Metric("ebgan_score_squared", "higher", low=0, high=most**2),
        )

    def needs(self) -> tuple[FeatureName, ...]:
        return ("classifier",)

    def unsupported(self, space: Space, samples: int, modes: bool) -> str | None:
        return "needs a sample at least" if samples < 1 else feature_misfit("classifier", space)

    def __call__(self, fake: View, real: Reference, rng: torch.Generator) -> dict[str, Score]:
        log_p = fake.logits("classifier").double().log_softmax(1)
        mean = log_p.exp().mean(0)
        terms = torch.special.xlogy(mean, mean) - mean * log_p.clamp(min=math.log(self.floor))
        divergence = terms.sum(1).clamp(min=0)  # the floor adds mass to p(y|x)
        marks = fingerprint(self, floor=self.floor, generated=len(fake), **fake.extractor("classifier"))
        values = {"ebgan_score": divergence, "ebgan_score_squared": divergence.square()}
        return {name: Score(value.mean().item(), None, len(fake), 0, marks) for name, value in values.items()}
