"""How similar generated images are to each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge

from ganbench.component import Count
from ganbench.datasets.base import Space, SplitName
from ganbench.evaluators.base import Evaluator, FeatureName, Load, Metric, Reference, Score, View
from ganbench.evaluators.parts.protocol import fingerprint, on_split, real_view
from ganbench.evaluators.parts.ssim import PIXELS, WEIGHTS, WINDOW, ms_ssim, pyramid, scales_of


@dataclass(frozen=True, kw_only=True)
class MSSSIM(Evaluator):
    """`ms_ssim`: mean multi-scale structural similarity (0..1) of generated images; `ms_ssim_real`: of real ones.

    Lower is more diverse: a collapsed generator comes close to 1. Noise is lowest of all, so compare with the value of
    as many pairs of real images. The mean is over all pairs of different images within each of `groups` consecutive
    groups of `size` images. Five scales with windows of 11 pixels need sides of at least 161 pixels. Smaller images
    have fewer scales, with weights normalised to sum to 1, and below 11 pixels a smaller window. The fingerprint says
    which; such numbers are comparable only with each other.
    """

    version: ClassVar[int] = 2
    source: ClassVar[str] = "Wang et al. 2003; Odena et al. 2017 (AC-GAN), arXiv:1610.09585; groups as in compare_gan"

    groups: Count = 5
    size: Annotated[int, Ge(2)] = 64
    split: SplitName = "test"

    def metrics(self) -> tuple[Metric, ...]:
        own, real = (on_split(name, self.split) for name in ("ms_ssim", "ms_ssim_real"))
        return (Metric(own, "lower", low=0, high=1), Metric(real, "neither", low=0, high=1))

    def needs(self) -> tuple[FeatureName, ...]:
        return ()

    def unsupported(self, space: Space, samples: int, modes: bool) -> str | None:
        if not space.is_image:
            return "needs images"
        return "needs at least 2 samples" if samples < 2 else None

    def memory(self, load: Load) -> int:
        return 8 * (8 * self.size * load.dimensions + 12 * max(PIXELS, load.dimensions))

    def check(self, real: Reference) -> None:
        real_view(real, self.split, None, least=2)

    def __call__(self, fake: View, real: Reference, rng: torch.Generator) -> dict[str, Score]:
        views = (fake, real_view(real, self.split, None, least=2))
        n = min(self.groups * self.size, *map(len, views))
        height, width = fake.x.shape[2:]
        scales = f"{scales_of(height, width)} of {len(WEIGHTS)}, window {min(WINDOW, height, width)}"
        facts = {"images": n, "group": self.size, "scales": scales, "split": self.split, "dtype": "float64"}
        marks = fingerprint(self, **facts)
        pairs = zip(self.metrics(), views, strict=True)
        return {metric.name: Score(self._mean(view, n, fake.device), None, n, n, marks) for metric, view in pairs}

    def _mean(self, view: View, n: int, device: str) -> float:
        """The mean over the pairs of all groups; a single image in the last group has no pair."""
        similarities = []
        for group in torch.split(view.x[:n], self.size):
            if len(group) > 1:
                i, j = torch.combinations(torch.arange(len(group)), 2).to(device).unbind(1)
                similarities.append(ms_ssim(pyramid(group.to(device)), i, j))
        return torch.cat(similarities).mean().item()
