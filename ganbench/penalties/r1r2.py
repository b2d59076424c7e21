"""The zero-centred gradient penalties at real samples and at fakes, as in R3GAN."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from torch import Tensor

from ganbench.component import Annealable, NonNegative, Search
from ganbench.penalties.base import Penalty, Scored, squared_norm

if TYPE_CHECKING:
    from ganbench.variants.base import Batch, LossTerms, Players


@dataclass(frozen=True, kw_only=True)
class R1R2Penalty(Penalty):
    """D's loss + `weight`/2 (E ||grad D(x)||^2 + E ||grad D(G(z))||^2); the paper's gamma is the `weight`."""

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Huang et al. 2024, The GAN is dead; long live the GAN, arXiv:2501.05441"
    takes_gradients: ClassVar[bool] = True

    weight: Annotated[Annealable[NonNegative], Search(0.1, 100.0, log=True)] = 10.0

    def points(self, net: Players, batch: Batch) -> dict[str, Tensor]:
        return {"real": batch.x, "fake": net.g(batch.z)}

    def d_terms(self, net: Players, batch: Batch, at: Mapping[str, Scored]) -> LossTerms:
        return {
            "r1": self.weight / 2 * squared_norm(at["real"].gradient).mean(),
            "r2": self.weight / 2 * squared_norm(at["fake"].gradient).mean(),
        }
