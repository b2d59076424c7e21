"""A discriminative memory: slots with a key on the unit sphere, a label, an age and a count of how much they were used.

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
class Rule:
    """How a memory is read and written: by the paper, or with the departures of the authors' code."""

    concentration: float  # kappa of the von Mises-Fisher mixture
    prior: float  # beta, added to each count
    decay: float  # alpha, by which counts shrink before they grow
    top: int  # k, the number of slots that are looked at
    em_steps: int
    code: bool


@dataclass(frozen=True)
class Size:
    """N slots with keys of M dimensions, of which k are looked at."""

    slots: int
    key: int
    top: int


def conflict(spec: RunSpec, size: Size) -> str | None:
    """Why a run can't have a memory of that size, and what would do."""
    network, samples = spec.network, spec.batch * spec.steps
    width = getattr(network, "key", None)  # every network with a part `query` has one
    reasons = {
        f"top {size.top} is more than its {size.slots} slots: set top lower": size.top > size.slots,
        f"{size.slots} slots are more than the {samples} samples of the run: set slots lower": size.slots > samples,
        f"key {size.key} is not the network's {width}: give both the same": width != size.key,
        f"the first {size.key} latents are the key: set the network's z above it": network.z <= size.key,
        "slots are drawn by a uniform latent: set prior to uniform": network.prior != "uniform",
        "packs have no one key: set pac to 1": network.pac > 1,
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


def begin(slots: int, key: int, code: bool) -> dict[str, Tensor]:
    """Ages 0, counts 1e-5, the first half of the slots real; keys in all directions, the same ones for every seed.

    In the code keys are 0, so that D knows nothing before the first of them is written.
    """
    keys = normalize(torch.randn(slots, key, generator=stream(0, "memory")))
    values = (torch.arange(slots) < slots // 2).float()
    return {
        "keys": torch.zeros_like(keys) if code else keys,
        "values": values,
        "ages": torch.zeros(slots),
        "hist": torch.full((slots,), 1e-5),
    }


def score(rule: Rule, memory: Memory, query: Tensor) -> Tensor:
    """Log-odds (n,) that queries (n, M) are real: D is the posterior weight of the real ones of the k likeliest slots.

    The posterior over those slots, p(c = i | x) ~ exp(kappa K_i q) (h_i + beta), sums to 1. Where they are all of one
    label, the log-odds are huge but finite.
    """
    fit = rule.concentration * normalize(query) @ memory["keys"].T
    slots = (fit + (memory["hist"] + rule.prior).log()).topk(rule.top).indices
    share = rule.decay if rule.code else 1.0
    joint = fit.gather(1, slots) + (share * memory["hist"] + rule.prior).log()[slots]
    real, nothing = memory["values"][slots] > 0.5, torch.finfo(joint.dtype).min
    odds: Tensor = joint.masked_fill(~real, nothing).logsumexp(1) - joint.masked_fill(real, nothing).logsumexp(1)
    return odds


def clipped(odds: Tensor, least: float) -> Tensor:
    """Log-odds whose probability is at least `least` and at most 1 - `least`."""
    most = math.log(1 / least - 1)
    return odds.clamp(-most, most)


def information(rule: Rule, memory: Memory, z: Tensor, made: Tensor) -> Tensor:
    """How far G's queries (n, M) are from the keys that it was fed for latents (n, z): lower keeps the cluster."""
    keys = pick(memory, z)
    return mse_loss(made, keys) if rule.code else -rule.concentration * (keys * normalize(made)).sum(1).mean()


def write(rule: Rule, memory: Memory, query: Tensor, label: float) -> dict[str, Tensor]:
    """The memory after it has seen queries (n, M) of one label, one after the other in their order."""
    written = {name: tensor.clone() for name, tensor in memory.items()}
    for one in normalize(query).unbind():
        _write(rule, written, one, label)
    return written


def pick(memory: Memory, z: Tensor) -> Tensor:
    """Keys (n, M) of real slots, in proportion to their counts, by the first of the latents (n, z), U(-1, 1) each."""
    summed = (memory["hist"] * memory["values"]).cumsum(0)
    share = (1 - z[:, 0]) / 2  # never 0, so that a slot of no share is never met
    return memory["keys"][torch.searchsorted(summed, share * summed[-1])]


def shape_of(memory: Memory) -> dict[str, Tensor]:
    """The share of real slots, and the entropy of the counts: log N where all slots are used alike."""
    used = memory["hist"] / memory["hist"].sum()
    return {"real_slots": memory["values"].mean(), "entropy": torch.special.entr(used).sum()}


def _write(rule: Rule, memory: dict[str, Tensor], q: Tensor, label: float) -> None:
    """One query (M,), in place: EM on the likeliest slots of its label if the memory recalled it, else a new slot."""
    joint = rule.concentration * memory["keys"] @ q + (memory["hist"] + rule.prior).log()
    wrong = memory["values"] != label
    recalled = ~wrong[joint.topk(1 if rule.code else rule.top).indices].all()
    penalty = 2 * rule.concentration if rule.code else torch.inf
    slots = torch.where(wrong, joint - penalty, joint).topk(rule.top).indices
    apt = torch.ones_like(wrong[slots]) if rule.code else ~wrong[slots]
    keys, hist = _em(rule, {name: memory[name][slots] for name in ("keys", "hist")}, q, apt)
    oldest, mean = memory["ages"].argmax(0, keepdim=True), memory["hist"].mean(0, keepdim=True)
    memory["ages"] += 1
    same = torch.zeros_like(hist)
    _put(memory, slots, {"keys": keys, "hist": hist, "ages": same}, recalled & apt)
    fresh = {"keys": q[None], "hist": mean, "ages": same[:1], "values": torch.full_like(mean, label)}
    _put(memory, oldest, fresh, ~recalled)


def _em(rule: Rule, seen: Memory, q: Tensor, apt: Tensor) -> tuple[Tensor, Tensor]:
    """Keys and counts of slots after incremental EM steps on one query; those that are not apt take no part."""
    keys, hist = seen["keys"], rule.decay * seen["hist"]
    before = torch.zeros_like(hist)
    for _ in range(rule.em_steps):
        joint = rule.concentration * keys @ q + (hist + rule.prior).log()
        posterior = joint.masked_fill(~apt, torch.finfo(joint.dtype).min).softmax(0)
        change, before = posterior - before, posterior
        hist = hist + (change.sum() if rule.code else change)
        keys = normalize(keys + (change / hist)[:, None] * (q - keys))
    return keys, hist


def _put(memory: Memory, slots: Tensor, rows: Memory, where: Tensor) -> None:
    """New rows for some slots, where they are wanted."""
    for name, new in rows.items():
        wanted = where[:, None] if name == "keys" and where.dim() else where
        memory[name].index_copy_(0, slots, torch.where(wanted, new, memory[name][slots]))
