"""EBGAN's modified Inception score for digits."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Gt, Lt

from ganbench.datasets.base import Space
from ganbench.evaluators.base import Evaluator, FeatureName, Metric, Reference, Score, View
from ganbench.evaluators.parts.protocol import Sizes, fingerprint, unsupported_features, unsupported_sizes


@dataclass(frozen=True, kw_only=True)
class EBGANScore(Evaluator):
    """`ebgan_score`: E_x KL(p(y) || p(y|x)); `ebgan_score_squared`: E_x KL(p(y) || p(y|x))^2, as the paper prints it.

    The square may be a typesetting error, so both are reported. Compared with the Inception score, the arguments of KL
    are swapped and there is no exponential. p(y) is the mean over all samples by the in-domain classifier (the authors
    used another one). p(y|x) has a lower bound, the `floor`, since the score of a confident classifier is infinite: the
    score depends on the floor.
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
        return unsupported_sizes(Sizes(1, 0), samples) or unsupported_features("classifier", space)

    def __call__(self, fake: View, real: Reference, rng: torch.Generator) -> dict[str, Score]:
        log_p = fake.logits("classifier").double().log_softmax(1)
        mean = log_p.exp().mean(0)
        terms = torch.special.xlogy(mean, mean) - mean * log_p.clamp(min=math.log(self.floor))
        divergence = terms.sum(1).clamp(min=0)  # the floor adds mass to p(y|x)
        marks = fingerprint(self, floor=self.floor, generated=len(fake), **fake.extractor("classifier"))
        values = {"ebgan_score": divergence, "ebgan_score_squared": divergence.square()}
        return {name: Score(value.mean().item(), None, len(fake), 0, marks) for name, value in values.items()}
