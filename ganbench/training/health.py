"""How training is going: read from its present state, without changing a number or drawing one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ganbench.training.snapshot import Divergence, flat_name
from ganbench.variants.base import Batch, LossTerms, Params, Players, Variant

if TYPE_CHECKING:
    from ganbench.training.packs import StackedNetwork

EVERY = 20  # steps between two health records, at least: one costs about a quarter of a step

PlayerTerms = dict[str, LossTerms]  # by player: {"d": {"real": ..., "fake": ...}}
History = list[tuple[int, PlayerTerms]]  # (step, terms (S,)) of each turn


def due(step: int, last: int) -> bool:
    """Whether the snapshot at `step` has a health record, the last snapshot being at `last`: one per EVERY steps."""
    return step // EVERY > last // EVERY


def verdicts(variant: Variant, net: Players, batch: Batch) -> Params:
    """How well D tells the reals of one run's newest batch from fakes; D has not learned from these reals if G moved
    last.

    `d_order`: the share of pairs of a real and a fake that D's scores put in the right order (ties count half): 1 if D
    separates them fully, 1/2 if it can't. It needs no zero, so every objective has it.
    `d_accuracy_real`, `d_accuracy_fake`: the shares on the right side of `Variant.decision_boundary`;
    `d_saturated`: the share of both so far from it that D's loss is nearly flat. Absent without such a boundary.
    """
    real, fake = variant.scores(net, batch)
    gaps = real[:, None] - fake
    shares = {"d_order": (gaps.sign().mean() + 1) / 2}
    boundary = variant.decision_boundary()
    if boundary is not None:
        shares["d_accuracy_real"] = (real > boundary.at).to(gaps).mean()
        shares["d_accuracy_fake"] = (fake < boundary.at).to(gaps).mean()
        if boundary.flat is not None:
            distances = (torch.cat([real, fake]) - boundary.at).abs()
            shares["d_saturated"] = (distances > boundary.flat).to(gaps).mean()
    return shares


def gradient_norms(nets: Mapping[str, StackedNetwork]) -> Params:
    """`g_gradient` ..., (S,): the Euclidean norm of each network's gradient in its last update, before the optimizer's
    rule; absent for a network that hasn't moved."""
    norms = {}
    for name, net in nets.items():
        gradients = [param.grad for param in net.params.values() if param.grad is not None]
        if gradients:
            lengths = [gradient.reshape(len(gradient), -1).norm(dim=1) for gradient in gradients]
            norms[f"{name}_gradient"] = torch.stack(lengths).norm(dim=0)
    return norms


def summary(history: History, nets: Mapping[str, StackedNetwork]) -> tuple[PlayerTerms, list[bool]]:
    """Means of each term since the last snapshot, (S,), and whether all terms and parameters of a run are finite."""
    series: dict[str, dict[str, list[Tensor]]] = {}
    for _, turn in history:
        for player, terms in turn.items():
            for name, term in terms.items():
                series.setdefault(player, {}).setdefault(name, []).append(term)
    stacked = {
        player: {name: torch.stack(values).double() for name, values in terms.items()}
        for player, terms in series.items()
    }
    tensors = [values for terms in stacked.values() for values in terms.values()]
    tensors += [param.unsqueeze(0) for net in nets.values() for param in net.frozen.values()]
    finite = torch.stack([tensor.isfinite().transpose(0, 1).flatten(1).all(1) for tensor in tensors]).all(0)
    means = {player: {name: v.mean(0).cpu() for name, v in terms.items()} for player, terms in stacked.items()}
    return means, finite.tolist()


def first_bad(history: History, nets: Mapping[str, StackedNetwork], run: int) -> Divergence:
    """The first non-finite term of a run since the last snapshot, or the network whose parameters are not finite."""
    for step, turn in history:
        for player, terms in turn.items():
            for name, term in terms.items():
                if not term[run].isfinite():
                    return Divergence(step, flat_name(player, name))
    broken = [name for name, net in nets.items() if not _finite(net, run)]
    return Divergence(history[-1][0], flat_name(broken[0], "parameters"))


def _finite(net: StackedNetwork, run: int) -> bool:
    return all(bool(tensor[run].isfinite().all()) for tensor in net.frozen.values())
