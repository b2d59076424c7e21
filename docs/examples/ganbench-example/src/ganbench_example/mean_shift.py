from dataclasses import dataclass

import torch

from ganbench.datasets.base import Space
from ganbench.evaluators.base import Evaluator, FeatureName, Metric, Reference, Score, View


@dataclass(frozen=True, kw_only=True)
class MeanShift(Evaluator):
    """Squared distance between the means of the samples and of the test split: the first term of a Frechet distance."""

    version = 1
    source = "Heusel et al. 2017, arXiv:1706.08500, eq. 6"

    def metrics(self) -> tuple[Metric, ...]:
        return (Metric("mean_shift", better="lower", low=0),)

    def needs(self) -> tuple[FeatureName, ...]:
        return ("pixels",)

    def unsupported(self, space: Space, samples: int, modes: bool) -> str | None:
        return None

    def __call__(self, fake: View, real: Reference, rng: torch.Generator) -> dict[str, Score]:
        test = real.split("test")
        shift = fake.features("pixels").double().mean(0) - test.features("pixels").double().mean(0)
        value = shift.square().sum().item()
        return {"mean_shift": Score(value, None, len(fake), len(test), {"protocol": "mean_shift v1"})}
