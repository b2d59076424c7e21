"""How training fares, told from what it has at hand: nothing here changes a number of training or draws one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ganbench.training.snapshot import Divergence
from ganbench.variants.base import LossTerms, Params, Variant

if TYPE_CHECKING:
    from ganbench.optimizers.base import PlayerName
    from ganbench.training.players import LossInputs
    from ganbench.training.state import Net

EVERY = 20  # steps between two looks at least: one costs about a quarter of a step

History = Sequence[tuple[int, LossTerms]]


def due(step: int, last: int) -> bool:
    """Whether the snapshot at `step` looks, where the one before was at `last`: once for each multiple of EVERY."""
    return step // EVERY > last // EVERY


def verdicts(variant: Variant, sights: Mapping[PlayerName, LossInputs]) -> Params:
    """What D makes of one run's newest batch: reals that no update of it has seen yet, where G moved last.

    `d_order`: the share of pairs of a real and a fake that D's scores put in the right order (ties count half): 1 where
    they are told apart at a glance, 1/2 where they aren't. It needs no zero, so every objective has it.
    `d_accuracy_real`, `d_accuracy_fake`: the shares on the right side of `Variant.decision_boundary`;
    `d_saturated`: the share of both so far from it that D's loss is nearly flat. Absent without such a boundary.
    """
    real, fake = variant.scores(*sights["d"])
    gaps = real[:, None] - fake
    found = {"d_order": (gaps.sign().mean() + 1) / 2}
    decision_boundary = variant.decision_boundary()
    if decision_boundary is not None:
        found["d_accuracy_real"] = (real > decision_boundary.at).to(gaps).mean()
        found["d_accuracy_fake"] = (fake < decision_boundary.at).to(gaps).mean()
        if decision_boundary.flat is not None:
            found["d_saturated"] = (
                ((torch.cat([real, fake]) - decision_boundary.at).abs() > decision_boundary.flat).to(gaps).mean()
            )
    return found


def gradient_norms(nets: Mapping[str, Net]) -> Params:
    """`g_gradient` ..., (S,): the Euclidean norm of each network's gradient in its last update, before the optimizer's
    rule; absent for a network that hasn't moved."""
    found = {}
    for name, net in nets.items():
        gradients = [param.grad for param in net.params.values() if param.grad is not None]
        if gradients:
            lengths = [gradient.reshape(len(gradient), -1).norm(dim=1) for gradient in gradients]
            found[f"{name}_gradient"] = torch.stack(lengths).norm(dim=0)
    return found


def summary(history: History, nets: Mapping[str, Net]) -> tuple[Params, list[bool]]:
    """Means of each term since the last snapshot, (S,), and whether all terms and parameters of a run are finite."""
    series: dict[str, list[Tensor]] = {}
    for _, terms in history:
        for name, term in terms.items():
            series.setdefault(name, []).append(term)
    stacked = {name: torch.stack(values).double() for name, values in series.items()}
    tensors = [*stacked.values()] + [p.unsqueeze(0) for net in nets.values() for p in net.frozen.values()]
    sound = torch.stack([t.isfinite().transpose(0, 1).flatten(1).all(1) for t in tensors]).all(0)
    return {name: values.mean(0).cpu() for name, values in stacked.items()}, sound.tolist()


def first_bad(history: History, nets: Mapping[str, Net], run: int) -> Divergence:
    """The first non-finite term of a run since the last snapshot, or the network whose parameters are."""
    for step, terms in history:
        for name, term in terms.items():
            if not term[run].isfinite():
                return Divergence(step, name)
    broken = [name for name, net in nets.items() if not _finite(net, run)]
    return Divergence(history[-1][0], f"{broken[0]}/parameters")


def _finite(net: Net, run: int) -> bool:
    return all(bool(tensor[run].isfinite().all()) for tensor in net.frozen.values())
