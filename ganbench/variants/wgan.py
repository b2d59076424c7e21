"""Wasserstein GAN with weight clipping."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

import torch

from ganbench.component import Count, Index, Positive, Search
from ganbench.variants.base import Batch, LossTerms, Params, Players, Variant
from ganbench.variants.parts.scores import critic_g

if TYPE_CHECKING:
    from ganbench.spec import RunSpec


@dataclass(frozen=True, kw_only=True)
class WGAN(Variant):
    """L_D = E f - E r over a critic whose every parameter is clipped to [-clip, clip]; L_G = -E f.

    A `clip` of null leaves the parameters alone, for a penalty that bounds the critic's slope instead.

    `n_critic` critic updates per step. The first `warmup` steps and every `refresh`-th step have `warmup_critic`
    instead, as in the authors' code (there 25, 500 and 100). The default, `warmup` 0 and `refresh` 0, has no such steps
    and is the paper's Algorithm 1.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Arjovsky et al. 2017, arXiv:1701.07875, Algorithm 1"

    clip: Annotated[Positive | None, Search(0.001, 0.1, log=True)] = 0.01
    n_critic: Count = 5
    warmup: Index = 0
    refresh: Index = 0
    warmup_critic: Count = 100

    def d_loss(self, net: Players, batch: Batch) -> LossTerms:
        return {"real": -net.d(batch.x).mean(), "fake": net.d(net.g(batch.z)).mean()}

    def g_loss(self, net: Players, batch: Batch) -> LossTerms:
        return critic_g(net, batch)

    def d_steps(self, step: int) -> int:
        done = step - 1  # the authors count generator iterations from 0
        more = done < self.warmup or (self.refresh > 0 and done % self.refresh == 0)
        return self.warmup_critic if more else self.n_critic

    def conflict(self, spec: RunSpec) -> str | None:
        if self.clip is not None and spec.penalty and spec.penalty.takes_gradients:
            return "clipping and a gradient penalty both bound the critic's slope; set clip to null to have the penalty"
        return None

    def constrain(self, params: Params) -> None:
        if self.clip is None:
            return
        torch._foreach_clamp_min_(list(params.values()), -self.clip)
        torch._foreach_clamp_max_(list(params.values()), self.clip)
