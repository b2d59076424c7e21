"""A discriminative memory: each slot has a key on the unit sphere, a label, an age and a count of its use.

A memory is a mapping of four tensors over its N slots: `keys` (N, M), `values` (N,) with 1 for real and 0 for fake,
`ages` (N,) and `hist` (N,). Kim, Song and Kim 2018, arXiv:1803.01500, sections 3.1 and 3.2.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.functional import mse_loss, normalize

from ganbench.rng import stream

if TYPE_CHECKING:
    from ganbench.spec import RunSpec

Memory = Mapping[str, Tensor]


@dataclass(frozen=True)
class SlotRule:
    """How slots are read and written: by the paper, or with the departures of the authors' code."""

    concentration: float  # kappa of the von Mises-Fisher mixture
    prior: float  # beta, added to each count
    decay: float  # alpha, by which counts shrink before they grow
    top: int  # k, the number of slots considered
    em_steps: int
    code: bool  # with the departures of the authors' code


@dataclass(frozen=True)
class MemorySize:
    """N slots with keys of M dimensions, of which k are considered at once."""

    slots: int
    key: int
    top: int


def conflict(spec: RunSpec, size: MemorySize) -> str | None:
    """Why a run can't have a memory of that size, and what to change; None if it can."""
    network, samples = spec.network, spec.batch * spec.steps
    width = getattr(network, "key", None)  # every network with a part `query` has this option
    reasons = {
        f"top {size.top} is more than its {size.slots} slots: set top lower": size.top > size.slots,
        f"{size.slots} slots are more than the {samples} samples of the run: set slots lower": size.slots > samples,
        f"key {size.key} is not the network's {width}: set both to the same number": width != size.key,
        f"the key replaces the first {size.key} latents: set the network's z above {size.key}": network.z <= size.key,
        "a uniform latent selects the slot: set prior to uniform": network.prior != "uniform",
        "each sample has a key of its own: set pac to 1": network.pac > 1,
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


def initial(slots: int, key: int, code: bool) -> dict[str, Tensor]:
    """The initial memory: ages 0, counts 1e-5, the first half of the slots real, and random keys, equal for all seeds.

    In the authors' code keys are 0, so that D has no information before the first key is written.
    """
    keys = normalize(torch.randn(slots, key, generator=stream(0, "memory")))
    values = (torch.arange(slots) < slots // 2).float()
    return {
        "keys": torch.zeros_like(keys) if code else keys,
        "values": values,
        "ages": torch.zeros(slots),
        "hist": torch.full((slots,), 1e-5),
    }


def score(rule: SlotRule, memory: Memory, query: Tensor) -> Tensor:
    """Log-odds (n,) that queries (n, M) are real: D is the posterior weight of the real ones of the k likeliest slots.

    The posterior over those slots, p(c = i | x) ~ exp(kappa K_i q) (h_i + beta), sums to 1. If all have one label, the
    log-odds are huge but finite.
    """
    fit = rule.concentration * normalize(query) @ memory["keys"].T
    slots = (fit + (memory["hist"] + rule.prior).log()).topk(rule.top).indices
    share = rule.decay if rule.code else 1.0
    joint = fit.gather(1, slots) + (share * memory["hist"] + rule.prior).log()[slots]
    real, lowest = memory["values"][slots] > 0.5, torch.finfo(joint.dtype).min
    odds: Tensor = joint.masked_fill(~real, lowest).logsumexp(1) - joint.masked_fill(real, lowest).logsumexp(1)
    return odds


def clipped(odds: Tensor, least: float) -> Tensor:
    """Log-odds whose probability is at least `least` and at most 1 - `least`."""
    most = math.log(1 / least - 1)
    return odds.clamp(-most, most)


def information(rule: SlotRule, memory: Memory, z: Tensor, query: Tensor) -> Tensor:
    """The distance of the fakes' queries (n, M) from the keys that G was given: low if fakes stay in their cluster."""
    keys = pick(memory, z)
    return mse_loss(query, keys) if rule.code else -rule.concentration * (keys * normalize(query)).sum(1).mean()


def write(rule: SlotRule, memory: Memory, query: Tensor, label: float) -> dict[str, Tensor]:
    """The memory after it has taken up queries (n, M) of one label, one by one in their order."""
    written = {name: tensor.clone() for name, tensor in memory.items()}
    for q in normalize(query).unbind():
        _write(rule, written, q, label)
    return written


def pick(memory: Memory, z: Tensor) -> Tensor:
    """Keys (n, M) of real slots, in proportion to their counts, by the first of the latents (n, z), U(-1, 1) each."""
    summed = (memory["hist"] * memory["values"]).cumsum(0)
    share = (1 - z[:, 0]) / 2  # never 0, so that a slot without a share is never selected
    return memory["keys"][torch.searchsorted(summed, share * summed[-1])]


def usage(memory: Memory) -> dict[str, Tensor]:
    """The share of real slots, and the entropy of the counts: log N if all slots are used equally."""
    used = memory["hist"] / memory["hist"].sum()
    return {"real_slots": memory["values"].mean(), "entropy": torch.special.entr(used).sum()}


def _write(rule: SlotRule, memory: dict[str, Tensor], q: Tensor, label: float) -> None:
    """Write a query (M,) in place: EM on the likeliest slots of its label if the memory recalls it, else a new slot."""
    joint = rule.concentration * memory["keys"] @ q + (memory["hist"] + rule.prior).log()
    wrong = memory["values"] != label
    recalled = ~wrong[joint.topk(1 if rule.code else rule.top).indices].all()
    penalty = 2 * rule.concentration if rule.code else torch.inf
    slots = torch.where(wrong, joint - penalty, joint).topk(rule.top).indices
    matching = torch.ones_like(wrong[slots]) if rule.code else ~wrong[slots]
    keys, hist = _em(rule, {name: memory[name][slots] for name in ("keys", "hist")}, q, matching)
    oldest, mean = memory["ages"].argmax(0, keepdim=True), memory["hist"].mean(0, keepdim=True)
    memory["ages"] += 1
    zeros = torch.zeros_like(hist)
    _put(memory, slots, {"keys": keys, "hist": hist, "ages": zeros}, recalled & matching)
    fresh = {"keys": q[None], "hist": mean, "ages": zeros[:1], "values": torch.full_like(mean, label)}
    _put(memory, oldest, fresh, ~recalled)


def _em(rule: SlotRule, rows: Memory, q: Tensor, matching: Tensor) -> tuple[Tensor, Tensor]:
    """Keys and counts of some slots after incremental EM steps on one query; only the matching ones take part."""
    keys, hist = rows["keys"], rule.decay * rows["hist"]
    before = torch.zeros_like(hist)
    for _ in range(rule.em_steps):
        joint = rule.concentration * keys @ q + (hist + rule.prior).log()
        posterior = joint.masked_fill(~matching, torch.finfo(joint.dtype).min).softmax(0)
        change, before = posterior - before, posterior
        hist = hist + (change.sum() if rule.code else change)
        keys = normalize(keys + (change / hist)[:, None] * (q - keys))
    return keys, hist


def _put(memory: Memory, slots: Tensor, rows: Memory, where: Tensor) -> None:
    """Replace the rows of those slots for which `where` holds."""
    for name, new in rows.items():
        wanted = where[:, None] if name == "keys" and where.dim() else where
        memory[name].index_copy_(0, slots, torch.where(wanted, new, memory[name][slots]))
