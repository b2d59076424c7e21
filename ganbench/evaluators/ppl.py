"""The perceptual path length of a generator: how much its images change with small steps of the latents."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch

from ganbench.component import Count, Positive
from ganbench.datasets.base import Space
from ganbench.evaluators.base import Evaluator, FeatureName, Load, Metric, Reference, Score, View
from ganbench.evaluators.parts.protocol import fingerprint, unsupported_features

LOW, HIGH = 0.01, 0.99  # quantiles beyond which values are left out, as in the authors' code


@dataclass(frozen=True, kw_only=True)
class PPL(Evaluator):
    """`ppl`: the mean LPIPS distance of images of two latents, over the square of the step between them.

    The second latent lies `epsilon` of the way to another draw of the prior, on the arc between them. Images are not
    rounded and are compared at 64x64, whole. The mean is over `size` such pairs without the smallest and the largest
    hundredth. Lower is smoother: a generator of one image has 0, so read it beside a metric of diversity.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Karras et al. 2019, arXiv:1812.04948, eq. 2 (in Z); sizes as in torch-fidelity"

    size: Count = 1000
    epsilon: Positive = 1e-4

    def metrics(self) -> tuple[Metric, ...]:
        return (Metric("ppl", "lower", low=0),)

    def needs(self) -> tuple[FeatureName, ...]:
        return ("lpips",)

    def unsupported(self, space: Space, samples: int, modes: bool) -> str | None:
        return unsupported_features("lpips", space)

    def memory(self, load: Load) -> int:
        return 8 * 4 * 64 * load.dimensions

    def __call__(self, fake: View, real: Reference, rng: torch.Generator) -> dict[str, Score]:
        count = min(self.size, len(fake))
        lengths = [
            (near.features("lpips") - start.features("lpips")).double().square().sum(1)
            for start, near in fake.latent_steps(count, self.epsilon)
        ]
        changes = (torch.cat(lengths) / self.epsilon**2).sort().values
        low, high = changes[math.floor(LOW * (count - 1))], changes[math.ceil(HIGH * (count - 1))]
        value = changes[(changes >= low) & (changes <= high)].mean().item()
        marks = fingerprint(self, **fake.extractor("lpips"), pairs=count, interpolation="spherical", images="floats")
        return {"ppl": Score(value, None, count, 0, marks)}
