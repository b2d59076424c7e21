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
    """Sums over the levels of a pyramid of L_D, a cross entropy, and L_G = E sp(-f), with sp(t) = log(1 + e^t).

    As in the authors' code a batch of n samples is shared: D judges its first half, r, and fakes f made from the
    coarser images of the other half, in one mean over all n: L_D = (sum sp(-r) + sum sp(f)) / n, half of E sp(-r) +
    E sp(f). G's update has n fakes. The code's batch is 128.

    At every level but the coarsest, G generates the difference between the real image of the level and the next coarser
    one, given the coarser one, and D judges the sum. Samples are generated from coarse to fine, each from the one
    before. Level 0 is the full image. D's part `pyramid` builds the pyramid of reals, G's part `pyramid` that of fakes,
    and D's part `levels` scores either.
    """

    version: ClassVar[int] = 2
    source: ClassVar[str] = (
        "Denton et al. 2015, arXiv:1506.05751, eq. 2 at each level, and the authors' code (eyescream)"
    )
    needs: ClassVar[frozenset[str]] = frozenset({"pyramid", "levels"})
    scores_samples: ClassVar[bool] = False

    def d_loss(self, net: Players, batch: Batch) -> LossTerms:
        n = len(batch.x)
        reals = n - n // 2
        real = softplus(-net.d.part("levels", net.d.part("pyramid", batch.x[:reals]))).sum(0) / n
        fake = softplus(_fake_scores(net, batch.x[reals:], batch.z[reals:])).sum(0) / n
        return _by_level(real=real, fake=fake)

    def g_loss(self, net: Players, batch: Batch) -> LossTerms:
        return _by_level(fake=softplus(-_fake_scores(net, batch.x, batch.z)).mean(0))

    def conflict(self, spec: RunSpec) -> str | None:
        if spec.batch < 2:
            return "half of a batch is real in D's updates: use a batch of at least 2"
        return (
            "its G takes single images, not packed ones: set the network's pac to 1" if spec.network.pac > 1 else None
        )


def _fake_scores(net: Players, x: Tensor, z: Tensor) -> Tensor:
    """D's scores (n, levels) of the fakes that are made from latents z and the coarser images of x."""
    return net.d.part("levels", net.g.part("pyramid", z, x))


def _by_level(**costs: Tensor) -> LossTerms:
    """`{"real0": ..., "real1": ...}` of costs (levels,)."""
    return {f"{name}{level}": cost for name, levels in costs.items() for level, cost in enumerate(levels)}
