"""Boundary equilibrium GAN: an auto-encoder as discriminator, with a feedback control of the weight of the fakes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

import torch
from torch import Tensor

from ganbench.component import Fraction, NonNegative, Search
from ganbench.variants.base import Batch, LossTerms, Params, Players, Variant
from ganbench.variants.parts.energies import energy

if TYPE_CHECKING:
    from ganbench.optimizers.base import PlayerName


@dataclass(frozen=True, kw_only=True)
class BEGAN(Variant):
    """L_D = E l(x) - k E l(G), L_G = E l(G) with l the mean absolute error of the auto-encoder D.

    With each update of G, k <- k + k_rate (gamma E l(x) - E l(G)), clipped to [0, 1], with the errors of that update's
    batch before the update, as in the common code (carpedm20/BEGAN-tensorflow), which moves both players at once on the
    same latents: that is the schedule `simultaneous` with `reuse_z`. This holds E l(G) / E l(x) at `gamma`, the
    diversity ratio: a lower one gives samples of higher quality and less diversity. The measure of convergence,
    E l(x) + |gamma E l(x) - E l(G)|, is carried beside k (0 before the first step).
    """

    version: ClassVar[int] = 2
    source: ClassVar[str] = "Berthelot, Schumm and Metz 2017, arXiv:1703.10717, section 3.4 and 3.5"
    carries_before: ClassVar[bool] = True
    needs: ClassVar[frozenset[str]] = frozenset({"reconstruction"})
    scores_samples: ClassVar[bool] = False

    gamma: Annotated[Fraction, Search(0.3, 1.0)] = 0.5
    k_rate: NonNegative = 0.001  # lambda_k
    k_start: Fraction = 0.0

    def d_loss(self, net: Players, batch: Batch) -> LossTerms:
        real, fake = energy(net.d, batch.x, "l1"), energy(net.d, net.g(batch.z), "l1")
        return {"real": real.mean(), "fake": -batch.carry["k"] * fake.mean()}

    def g_loss(self, net: Players, batch: Batch) -> LossTerms:
        return {"fake": energy(net.d, net.g(batch.z), "l1").mean()}

    def scores(self, net: Players, batch: Batch) -> tuple[Tensor, Tensor]:
        return -energy(net.d, batch.x, "l1"), -energy(net.d, net.g(batch.z), "l1")

    def carry(self) -> Params:
        return {"k": torch.tensor(self.k_start), "convergence": torch.tensor(0.0)}

    def next_carry(self, net: Players, batch: Batch, mover: PlayerName) -> Params:
        if mover == "d":
            return dict(batch.carry)
        real, fake = energy(net.d, batch.x, "l1").mean(), energy(net.d, net.g(batch.z), "l1").mean()
        balance = self.gamma * real - fake
        k = (batch.carry["k"] + self.k_rate * balance).clamp(0, 1)
        return {"k": k, "convergence": real + balance.abs()}

    def report(self, carry: Mapping[str, Tensor]) -> LossTerms:
        return dict(carry)
