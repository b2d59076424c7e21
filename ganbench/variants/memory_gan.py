"""MemoryGAN: the discriminator has a memory of clusters of reals and fakes; the generator is given a cluster's key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import torch
from annotated_types import Ge, Gt, Lt
from torch import Tensor
from torch.nn.functional import logsigmoid, softplus

from ganbench.component import Count, Fraction, NonNegative, Positive
from ganbench.variants.base import LOGITS, Batch, DecisionBoundary, LossTerms, Params, Players, Variant
from ganbench.variants.parts import memory

if TYPE_CHECKING:
    from ganbench.optimizers.base import PlayerName
    from ganbench.spec import RunSpec


@dataclass(frozen=True, kw_only=True)
class MemoryGAN(Variant):
    """GAN with a memory of `slots` keys K_i, labels v_i and counts h_i. D's part `query`, scaled to length 1, is q(x).

    D(x) = sum of v_i p(c = i | x) over the `top` likeliest slots, p ~ exp(kappa K_i q) (h_i + beta), clipped to [clip,
    1 - clip]. L_D = -E log D(x) - E log(1 - D(G)) + lambda I, L_G = E log(1 - D(G)) + lambda I with I = -E kappa K_i
    q(G); `g_form` may be the non-saturating loss, or both. The input of G is [K_i, z]: the first `key` latents are
    replaced by the key of a real slot, which the first of them selects in proportion to h_i. After each update of D the
    memory takes up the reals, then the fakes, one by one: if one of the `top` likeliest slots has the sample's label,
    the `top` likeliest of that label take `em_steps` of incremental EM, with h first decayed by alpha; otherwise the
    sample replaces the oldest slot, with the mean count. `form` `code` departs as the authors' code does: (1) a slot
    of an EM step gains 1, not its share; (2) only the likeliest slot decides whether the label is recalled, and a wrong
    label costs only 2 kappa when slots are chosen; (3) I is the mean squared error of K_i and G's unscaled query; (4)
    D's prior is alpha h_i + beta; (5) the memory is also written after G's updates; (6) keys start at 0.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Kim, Song and Kim 2018, arXiv:1803.01500, and the authors' code (whyjay/memoryGAN)"
    stackable: ClassVar[bool] = False  # the order of tied slots depends on rounding
    needs: ClassVar[frozenset[str]] = frozenset({"query"})
    scores_samples: ClassVar[bool] = False

    slots: Annotated[int, Ge(2)] = 4096
    key: Count = 256  # dimension of keys and queries: the network's own
    top: Count = 128
    concentration: Positive = 1.0  # kappa
    beta: Positive = 1e-8
    alpha: Fraction = 0.5
    em_steps: Count = 1
    info_weight: NonNegative = 0.01  # lambda
    clip: Annotated[float, Gt(0), Lt(0.5)] = 1e-3
    g_form: Literal["minimax", "ns", "both"] = "minimax"
    form: Literal["paper", "code"] = "paper"

    def d_loss(self, net: Players, batch: Batch) -> LossTerms:
        query = net.d.part("query", net.g(batch.z))
        real, fake = self._score(net.d.part("query", batch.x), batch), self._score(query, batch)
        return {"real": softplus(-real).mean(), "fake": softplus(fake).mean(), "info": self._info(query, batch)}

    def g_loss(self, net: Players, batch: Batch) -> LossTerms:
        query = net.d.part("query", net.g(batch.z))
        fake = self._score(query, batch)
        loss = {"minimax": logsigmoid(-fake), "ns": -logsigmoid(fake), "both": -fake}[self.g_form]
        return {"fake": loss.mean(), "info": self._info(query, batch)}

    def scores(self, net: Players, batch: Batch) -> tuple[Tensor, Tensor]:
        return self._score(net.d.part("query", batch.x), batch), self._score(net.d.part("query", net.g(batch.z)), batch)

    def decision_boundary(self) -> DecisionBoundary:
        return LOGITS

    def g_input(self, z: Tensor, carry: Mapping[str, Tensor]) -> Tensor:
        return torch.cat([memory.pick(carry, z), z[:, self.key :]], 1)

    def carry(self) -> Params:
        return memory.initial(self.slots, self.key, self.form == "code")

    def next_carry(self, net: Players, batch: Batch, mover: PlayerName) -> Params:
        if mover == "g" and self.form == "paper":
            return dict(batch.carry)
        real, fake = net.d.part("query", batch.x), net.d.part("query", net.g(batch.z))
        return memory.write(self._rule(), memory.write(self._rule(), batch.carry, real, 1.0), fake, 0.0)

    def report(self, carry: Mapping[str, Tensor]) -> LossTerms:
        return memory.usage(carry)

    def conflict(self, spec: RunSpec) -> str | None:
        return memory.conflict(spec, memory.MemorySize(self.slots, self.key, self.top))

    def _rule(self) -> memory.SlotRule:
        return memory.SlotRule(self.concentration, self.beta, self.alpha, self.top, self.em_steps, self.form == "code")

    def _score(self, query: Tensor, batch: Batch) -> Tensor:
        return memory.clipped(memory.score(self._rule(), batch.carry, query), self.clip)

    def _info(self, query: Tensor, batch: Batch) -> Tensor:
        return self.info_weight * memory.information(self._rule(), batch.carry, batch.z, query)
