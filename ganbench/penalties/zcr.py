"""Consistency over latents: near latents have near scores, and different samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from torch import Tensor

from ganbench.component import Annealable, NonNegative, Positive, Search
from ganbench.penalties.base import Penalty, Scored
from ganbench.variants.base import Draw

if TYPE_CHECKING:
    from ganbench.datasets.base import Space
    from ganbench.variants.base import Batch, LossTerms, Players


@dataclass(frozen=True, kw_only=True)
class LatentConsistency(Penalty):
    """D's loss + `d_weight` E (D(G(z)) - D(G(z')))^2, and G's loss - `g_weight` E (G(z) - G(z'))^2, where z' is near z.

    z' = z + `sigma` u, with u a further draw of latents. The term of G is a mean over the values of a sample too.
    The defaults of `d_weight` and `sigma` are those of public re-implementations of ICR-GAN; the paper's own numbers
    were not read. StudioGAN's configurations for BigGAN on CIFAR-10 have a `d_weight` of 20 and a `sigma` of 0.05.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Zhao et al. 2020, arXiv:2002.04724, algorithm 2 (zCR)"

    d_weight: Annotated[Annealable[NonNegative], Search(0.1, 100.0, log=True)] = 5.0
    g_weight: Annealable[NonNegative] = 0.5
    sigma: Positive = 0.03

    def d_terms(self, net: Players, batch: Batch, at: Mapping[str, Scored]) -> LossTerms:
        apart = net.d(net.g(batch.z)) - net.d(net.g(self._near(batch)))
        return {"zcr": self.d_weight * apart.square().mean()}

    def g_terms(self, net: Players, batch: Batch) -> LossTerms:
        return {"zcr": -self.g_weight * (net.g(batch.z) - net.g(self._near(batch))).square().mean()}

    def noise(self, n: int, space: Space) -> dict[str, Draw]:
        return {"latents": Draw((n,), "latent")}

    def _near(self, batch: Batch) -> Tensor:
        return batch.z + self.sigma * batch.noise["latents"]
