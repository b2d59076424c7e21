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

PLAYERS: tuple[PlayerName, ...] = ("g", "d")


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
    apart, penalised = with_own_buffers(training), is_penalised(training.spec, training.step)
    last = {player: grads for player in PLAYERS if (grads := _last(training, player))}
    fresh = [{player: batches[player] for player in last} for batches in _fresh(training, n)] if last else []
    taken = [gradients(apart, batches, penalised)[1] for batches in fresh]
    return {
        player: SuccessiveGradients(
            _flat(list(grads.values())), torch.stack([_flat([each[player][at] for at in grads]) for each in taken], 1)
        )
        for player, grads in last.items()
    }


def _last(training: Training, player: PlayerName) -> dict[int, Tensor]:
    """A player's last gradients, by their place among those of its update; none if it has moved nothing alone."""
    shared = training.moving("d").keys() & training.moving("g").keys()
    params = [(name, param) for name, net in training.moving(player).items() for param in net.params.values()]
    own = {at: param.grad for at, (name, param) in enumerate(params) if name not in shared}
    grads = {at: grad for at, grad in own.items() if grad is not None}
    return grads if len(grads) == len(own) else {}


def _fresh(training: Training, n: int) -> list[Batches]:
    """n batches of an update, (S, ...), from streams of the present step: one for both players, if of one size."""
    spec, step = training.spec, training.step
    streams = [dict.fromkeys(STREAMS, stream(each.seed, "successive", step)) for each in training.specs]

    def fresh(player: PlayerName) -> Batch:
        drawn = draw(training.specs, training.data, streams, step, player)
        return moved(drawn, training.place.device, training.place.dtype)

    def for_both() -> Batches:
        of_d = fresh("d")
        return {"d": of_d, "g": of_d if spec.batch_of("g") == spec.batch_of("d") else fresh("g")}

    return [for_both() for _ in range(n)]


def _flat(tensors: Sequence[Tensor]) -> Tensor:
    """Tensors (S, ...) side by side, (S, p)."""
    return torch.cat([tensor.detach().flatten(1) for tensor in tensors], 1)
