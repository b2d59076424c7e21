"""The unrolled GAN: the generator's loss uses the discriminator after several simulated updates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor
from torch.func import grad

from ganbench.component import Index
from ganbench.variants.base import LOGITS, Batch, DecisionBoundary, LossTerms, Params, Player, Players, Variant
from ganbench.variants.parts.scores import logistic

if TYPE_CHECKING:
    from ganbench.spec import RunSpec


@dataclass(frozen=True, kw_only=True)
class Unrolled(Variant):
    """L_D = E sp(-r) + E sp(f) with sp(t) = log(1 + e^t); L_G = -L_D of D after `k` updates of its own, on this batch.

    The updates are those of the run's optimizer from its present state, all on the reals and fakes of the batch, as in
    the authors' code; D itself takes its usual single update. Gradients flow through all `k` updates. `k` 0 is the
    plain minimax GAN. `second_order` false stops the gradient through the updates: the later D scores the fakes, but
    G's gradient leaves out its own effect on that D.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Metz et al. 2017, arXiv:1611.02163, section 2, and the authors' code (poolio/unrolled_gan)"
    unrolls_updates: ClassVar[bool] = True

    k: Index = 5
    second_order: bool = True

    def d_loss(self, net: Players, batch: Batch) -> LossTerms:
        return logistic(real=net.d(batch.x), fake=net.d(net.g(batch.z)))

    def g_loss(self, net: Players, batch: Batch) -> LossTerms:
        fake = net.g(batch.z)
        answered = fake if self.second_order else net.g.still()(batch.z)

        def loss(d: Player) -> Tensor:
            return torch.stack(list(logistic(real=d(batch.x), fake=d(answered)).values())).sum()

        later = unroll(net.d, loss, self.k)
        return {name: -term for name, term in logistic(real=later(batch.x), fake=later(fake)).items()}

    def decision_boundary(self) -> DecisionBoundary:
        return LOGITS

    def conflict(self, spec: RunSpec) -> str | None:
        if not spec.optimizer.has_functional_update:
            return f"gradients can't flow through an update of {spec.optimizer.kind()}, as unrolling needs: use adam"
        if spec.optimizer.historical:
            return "unrolled updates leave out historical averaging: set the optimizer's historical to 0"
        if spec.network.d_batchnorm and self.second_order:
            return "in packs torch lacks the second derivative by batch norm's gain; use batchnorm none or generator"
        return None


def unroll(player: Player, loss: Callable[[Player], Tensor], steps: int) -> Player:
    """A network after so many updates of its own optimizer on a scalar loss, from the optimizer's present state.

    Gradients flow through all the updates into whatever the loss depends on.
    """

    def of(params: Params) -> Tensor:
        return loss(player.at(params))

    for _ in range(steps):
        player = player.after(grad(of)(player.params))
    return player
