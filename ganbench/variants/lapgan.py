"""LAPGAN: a conditional GAN for each level of a Laplacian pyramid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from torch import Tensor
from torch.nn.functional import softplus

from ganbench.variants.base import Batch, LossTerms, Players, Variant

if TYPE_CHECKING:
    from ganbench.spec import RunSpec


@dataclass(frozen=True, kw_only=True)
class LAPGAN(Variant):
    """Sums over the levels of a pyramid of L_D = E sp(-r) + E sp(f) and L_G = E sp(-f), with sp(t) = log(1 + e^t).

    At every level but the coarsest, G generates the difference between the real image of the level and the next coarser
    one, given the coarser one, and D judges the sum. Samples are generated from coarse to fine, each from the one
    before. Level 0 is the full image. D's part `pyramid` builds the pyramid of reals, G's part `pyramid` that of fakes,
    and D's part `levels` scores either.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = (
        "Denton et al. 2015, arXiv:1506.05751, eq. 2 at each level, and the authors' code (eyescream)"
    )
    needs: ClassVar[frozenset[str]] = frozenset({"pyramid", "levels"})

    def d_loss(self, net: Players, batch: Batch) -> LossTerms:
        real = softplus(-net.d.part("levels", net.d.part("pyramid", batch.x))).mean(0)
        fake = softplus(self._fake_scores(net, batch)).mean(0)
        return {
            f"{name}{level}": cost for name, sums in (("real", real), ("fake", fake)) for level, cost in enumerate(sums)
        }

    def g_loss(self, net: Players, batch: Batch) -> LossTerms:
        return {f"fake{level}": cost for level, cost in enumerate(softplus(-self._fake_scores(net, batch)).mean(0))}

    def conflict(self, spec: RunSpec) -> str | None:
        return (
            "its G takes single images, not packed ones: set the network's pac to 1" if spec.network.pac > 1 else None
        )

    def _fake_scores(self, net: Players, batch: Batch) -> Tensor:
        """D's scores of the fakes, (n, levels)."""
        return net.d.part("levels", net.g.part("pyramid", batch.z, batch.x))
