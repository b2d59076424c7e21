"""Adaptive discriminator augmentation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, ClassVar

import torch
from torch import Tensor

from ganbench.augmentations.parts.adaptive import AdaptiveAugmentation
from ganbench.augmentations.parts.corruptions import GROUPS, corrupted, draws_of
from ganbench.augmentations.parts.images import ImageAugmentation
from ganbench.augmentations.parts.pipeline import (
    BLIT,
    COLOUR,
    GEOMETRY,
    NORMAL,
    STEPS,
    UNIFORM,
    Drawn,
    coloured,
    placed,
)
from ganbench.component import ADDED, NonNegative, Search
from ganbench.variants.base import Draw

if TYPE_CHECKING:
    from ganbench.datasets.base import Space
    from ganbench.variants.base import Batch


@dataclass(frozen=True, kw_only=True)
class ADA(AdaptiveAugmentation, ImageAugmentation):
    """Each transformation of a pipeline is applied to an image with probability p, independently of the others.

    The pipeline has three of the paper's groups, those of its final recipe (bgc): pixel blitting (mirror image, quarter
    turns, whole shifts up to 1/8 of a side), geometry (scale, rotation, aspect, fractional shifts) and colour
    (brightness, contrast, luma flip, hue, saturation; the last two for 3 channels). `blit`, `geometry` and `colour`
    multiply p for their group; 0 leaves it out. So do `filter` (the gains of four frequency bands), `rgb_noise` and
    `cutout` (a rectangle of half of each side becomes 0), the paper's other groups, which are 0 by default. An image is
    resampled once, bilinearly, where the paper's code filters it with wavelets.

    p begins at `p` and follows r_t, the mean sign of D's scores of the reals above its decision boundary, over
    `interval` updates of D: it rises if r_t is above the `target`, falls if it is below, and goes from 0 to 1 within
    `images` reals; the paper's p has no upper bound, this one has 1. A `target` of null keeps p as it is.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Karras et al. 2020, arXiv:2006.06676, eq. 1, section 3 and appendix B, and its code"

    blit: Annotated[NonNegative, Search(0.1, 1.0)] = 1.0
    geometry: Annotated[NonNegative, Search(0.1, 1.0)] = 1.0
    colour: Annotated[NonNegative, Search(0.1, 1.0)] = 1.0
    filter: Annotated[NonNegative, Search(0.1, 1.0)] = field(default=0.0, metadata=ADDED)
    rgb_noise: Annotated[NonNegative, Search(0.1, 1.0)] = field(default=0.0, metadata=ADDED)
    cutout: Annotated[NonNegative, Search(0.1, 1.0)] = field(default=0.0, metadata=ADDED)

    @property
    def mixes_channels(self) -> bool:
        return self.colour > 0

    def transformed(self, x: Tensor, batch: Batch) -> Tensor:
        p = self.probability(batch)
        drawn = Drawn.of(batch.noise, self._chances(p))
        x = coloured(placed(x, drawn), drawn)
        for group, strength in self._corruptions().items():
            own = {name: batch.noise[f"{group}_{name}"] for name in draws_of(group, len(x), x.shape[1:])}
            x = corrupted(group, x, own, strength * p)
        return x

    def draws(self, n: int, space: Space) -> dict[str, Draw]:
        further = {
            f"{group}_{name}": draw
            for group in self._corruptions()
            for name, draw in draws_of(group, n, space.shape).items()
        }
        return {
            "on": Draw((n, len(STEPS)), "uniform"),
            "uniform": Draw((n, len(UNIFORM)), "uniform"),
            "normal": Draw((n, len(NORMAL)), "normal"),
            **further,
        }

    def _corruptions(self) -> dict[str, float]:
        """What p is multiplied by, for each of the last groups that a run has, in their order."""
        return {group: strength for group in GROUPS if (strength := getattr(self, group)) > 0}

    def _chances(self, p: Tensor) -> Tensor:
        """The probability of each of `STEPS`; the two rotations together have that of one."""
        either = 1 - (1 - (self.geometry * p).clamp(0, 1)).sqrt()
        geometry = [either if step in ("before", "after") else self.geometry * p for step in GEOMETRY]
        return torch.stack([*[self.blit * p] * len(BLIT), *geometry, *[self.colour * p] * len(COLOUR)])
