"""Augmentations whose probability follows how far D overfits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import torch
from torch import Tensor

from ganbench.augmentations.base import Augmentation
from ganbench.component import Count, Fraction, Search

if TYPE_CHECKING:
    from ganbench.variants.base import Batch, LossTerms, Params


@dataclass(frozen=True, kw_only=True)
class AdaptiveAugmentation(Augmentation):
    """An augmentation of probability p, which begins at `p` and rises while D is too sure of the reals.

    r_t is the mean sign of D's scores of the reals, as D sees them, above its decision boundary, over `interval`
    updates of D; each score is taken after the update. p then moves towards 1 if r_t is above the `target`, and towards
    0 if it is below, so fast that `images` reals would take it from 0 to 1. A `target` of null keeps p as it is.
    """

    p: Fraction = 0.0
    target: Annotated[Fraction | None, Search(0.3, 0.9)] = 0.6
    images: Count = 500_000
    interval: Count = 4

    @property
    def follows_scores(self) -> bool:
        return self.target is not None

    def probability(self, batch: Batch) -> Tensor:
        """The present p, a scalar."""
        return batch.carry["p"]

    def carry(self) -> Params:
        return {"p": torch.tensor(self.p), "sign": torch.tensor(0.0), "updates": torch.tensor(0.0)}

    def next_carry(self, batch: Batch, margins: Tensor) -> Params:
        p, updates = batch.carry["p"], batch.carry["updates"] + 1
        sign = batch.carry["sign"] + margins.sign().mean()
        due, target = updates >= self.interval, 0.0 if self.target is None else self.target
        change = len(margins) * self.interval / self.images * (sign / self.interval - target).sign()
        moved, start = (p + change).clamp(0, 1), torch.zeros_like(sign)
        kept = {"sign": torch.where(due, start, sign), "updates": torch.where(due, start, updates)}
        return {"p": torch.where(due, moved, p), **kept}

    def report(self, carry: Mapping[str, Tensor]) -> LossTerms:
        return {f"{self.kind()}_p": carry["p"]}
