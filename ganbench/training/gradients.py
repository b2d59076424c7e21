"""The gradients of a pack's players: those by which they move, and successive ones for comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ganbench.evaluators.base import SuccessiveGradients
from ganbench.rng import STREAMS, stream
from ganbench.training.draws import draw
from ganbench.training.health import PlayerTerms
from ganbench.training.objective import is_penalised, loss_terms
from ganbench.training.packs import map_tensors, moved
from ganbench.training.players import LossInputs
from ganbench.training.state import Batches, Training, on_pack, with_own_buffers

if TYPE_CHECKING:
    from ganbench.optimizers.base import PlayerName
    from ganbench.variants.base import Batch


def gradients(
    training: Training, batches: Batches, penalised: bool
) -> tuple[PlayerTerms, dict[PlayerName, list[Tensor]]]:
    """The loss terms of each moving player at the present parameters, and the gradient of their sum."""

    def terms_of(inputs: Mapping[PlayerName, LossInputs]) -> PlayerTerms:
        return {player: loss_terms(training.now, player, given, penalised) for player, given in inputs.items()}

    moving = {player: training.moving(player) for player in batches}
    terms = on_pack(training, terms_of, batches, {name for nets in moving.values() for name in nets})
    found: dict[PlayerName, list[Tensor]] = {}
    for player, nets in moving.items():
        total = torch.stack(list(terms[player].values())).sum()
        params = [param for net in nets.values() for param in net.params.values()]
        shared = len(batches) > 1  # the losses may share an evaluation of a network
        found[player] = list(torch.autograd.grad(total, params, retain_graph=shared, materialize_grads=True))
    return map_tensors(Tensor.detach, terms), found


def successive(training: Training, n: int) -> dict[PlayerName, SuccessiveGradients]:
    """The players' last gradients (S, p), and those at the present parameters on n fresh batches (S, n, p).

    The terms are those of the last update, with or without the penalty. Only of networks that one player alone moves; a
    player without any is left out. Nothing that training goes on from is changed or drawn from.
    """
    shared = training.moving("d").keys() & training.moving("g").keys()
    apart, penalised = with_own_buffers(training), is_penalised(training.spec, training.step)
    players: tuple[PlayerName, ...] = ("g", "d")
    found: dict[PlayerName, SuccessiveGradients] = {}
    for player in players:
        params = [(name, param) for name, net in training.moving(player).items() for param in net.params.values()]
        own = [place for place, (name, _) in enumerate(params) if name not in shared]
        last = [grad for place in own if (grad := params[place][1].grad) is not None]
        if own and len(last) == len(own):
            batches = _fresh(training, player, n)
            taken = [gradients(apart, {player: batch}, penalised)[1][player] for batch in batches]
            following = [_flat([of_batch[place] for place in own]) for of_batch in taken]
            found[player] = SuccessiveGradients(_flat(last), torch.stack(following, 1))
    return found


def _fresh(training: Training, player: PlayerName, n: int) -> list[Batch]:
    """n batches of an update of a player, (S, ...), from streams of the present step."""
    place, step = training.place, training.step
    streams = [dict.fromkeys(STREAMS, stream(spec.seed, "successive", step, player)) for spec in training.specs]
    drawn = [draw(training.specs, training.data, streams, step, player) for _ in range(n)]
    return [moved(batch, place.device, place.dtype) for batch in drawn]


def _flat(tensors: Sequence[Tensor]) -> Tensor:
    """Tensors (S, ...) side by side, (S, p)."""
    return torch.cat([tensor.detach().flatten(1) for tensor in tensors], 1)
