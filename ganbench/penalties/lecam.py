"""The regularisation of LeCam: D's scores stay near a moving average of those of the other side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

import torch
from torch import Tensor
from torch.nn.functional import relu

from ganbench.component import Annealable, Index, Momentum, NonNegative, Search
from ganbench.penalties.base import Penalty, Scored

if TYPE_CHECKING:
    from ganbench.optimizers.base import PlayerName
    from ganbench.variants.base import Batch, LossTerms, Params, Players


@dataclass(frozen=True, kw_only=True)
class LeCamPenalty(Penalty):
    """D's loss + `weight` (E (r - a_f)^2 + E (f - a_r)^2), with D's scores r of reals and f of fakes.

    a_r and a_f are moving averages of the means of r and f after each update of D, with this `decay`. The term is 0 in
    the first `start` steps, in which the averages are those of the last update. `rectified` counts r above a_f and f
    below a_r only, as the authors' code does: E max(0, r - a_f)^2 + E max(0, a_r - f)^2. The other defaults are
    those of its CIFAR-10 runs; its averages include the scores of the present batch, before the update.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Tseng et al. 2021, arXiv:2104.03310, section 3, and the authors' code (google/lecam-gan)"

    weight: Annotated[Annealable[NonNegative], Search(1e-3, 10.0, log=True)] = 0.3
    decay: Momentum = 0.99
    start: Index = 1000
    rectified: bool = False

    def d_terms(self, net: Players, batch: Batch, at: Mapping[str, Scored]) -> LossTerms:
        real = net.d(batch.x) - batch.carry["fake"]
        fake = batch.carry["real"] - net.d(net.g(batch.z))
        if self.rectified:
            real, fake = relu(real), relu(fake)
        distance = real.square().mean() + fake.square().mean()
        return {"lecam": self.weight * self._started(batch) * distance}

    def carry(self) -> Params:
        return {"real": torch.tensor(0.0), "fake": torch.tensor(0.0)}

    def next_carry(self, net: Players, batch: Batch, mover: PlayerName) -> Params:
        if mover == "g":
            return dict(batch.carry)
        decay = self.decay * self._started(batch)
        means = {"real": net.d(batch.x).mean(), "fake": net.d(net.g(batch.z)).mean()}
        return {name: decay * batch.carry[name] + (1 - decay) * mean for name, mean in means.items()}

    def report(self, carry: Mapping[str, Tensor]) -> LossTerms:
        return {"lecam_real": carry["real"], "lecam_fake": carry["fake"]}

    def _started(self, batch: Batch) -> Tensor:
        """1 after the first `start` steps, else 0."""
        assert batch.step is not None, "training counts its steps"
        return torch.gt(batch.step, self.start).to(batch.z)
