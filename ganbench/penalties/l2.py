"""The penalty on D's weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

import torch

from ganbench.component import Annealable, NonNegative, Search
from ganbench.penalties.base import Penalty, Scored

if TYPE_CHECKING:
    from ganbench.variants.base import Batch, LossTerms, Players


@dataclass(frozen=True, kw_only=True)
class L2Penalty(Penalty):
    """D's loss + `weight` times the mean over D's kernels w of 1/2 sum w^2; kernels have two dimensions or more."""

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Kurach et al. 2019, arXiv:1807.04720, and the authors' code (compare_gan)"

    weight: Annotated[Annealable[NonNegative], Search(1e-3, 10.0, log=True)] = 1.0

    def d_terms(self, net: Players, batch: Batch, at: Mapping[str, Scored]) -> LossTerms:
        kernels = [param for param in net.d.params.values() if param.dim() >= 2]
        return {"l2": self.weight * torch.stack([kernel.square().sum() / 2 for kernel in kernels]).mean()}
