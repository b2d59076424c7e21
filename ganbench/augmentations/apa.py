"""Adaptive pseudo augmentation: some reals are fakes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor

from ganbench.augmentations.parts.adaptive import AdaptiveAugmentation
from ganbench.variants.base import Draw

if TYPE_CHECKING:
    from ganbench.datasets.base import Space
    from ganbench.variants.base import Batch, Players


@dataclass(frozen=True, kw_only=True)
class APA(AdaptiveAugmentation):
    """With probability p, a fake takes the place of a real sample, and D is to take it for real.

    p begins at `p` and follows r_t, the mean sign of D's scores of these samples above its decision boundary, over
    `interval` updates of D: it rises if r_t is above the `target`, falls if it is below, and goes from 0 to 1 within
    `images` reals; the paper's p has no upper bound, this one has 1. A `target` of null keeps p as it is.
    The fakes are of further latents; no gradient reaches G through them. G makes them in each update whatever p is, so
    that they count in the running statistics of its batch norm.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Jiang et al. 2021, Deceive D, arXiv:2111.06849, section 3.2 and eq. 3, and its code"

    def reals(self, net: Players, batch: Batch) -> Tensor:
        replaced = batch.noise["share"] < self.probability(batch)
        pseudo = net.g.still()(batch.noise["latents"])
        return torch.where(replaced.reshape(-1, *[1] * (batch.x.dim() - 1)), pseudo, batch.x)

    def transformed(self, x: Tensor, batch: Batch) -> Tensor:
        return x

    def noise(self, n: int, space: Space) -> dict[str, Draw]:
        return {"real_share": Draw((n,), "uniform"), "real_latents": Draw((n,), "latent")}
