"""What the losses of one run are given: its networks as pure functions, and the batch of an update."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn

from ganbench.optimizers.base import Optimizer, PlayerName, Slots
from ganbench.training.inputs import packed_samples, packed_space
from ganbench.variants.base import Batch, Params, Player, Players, Update, Variant

if TYPE_CHECKING:
    from ganbench.datasets.base import Space
    from ganbench.spec import RunSpec


class LossInputs(NamedTuple):
    """The arguments of a loss, and of the variant's other functions of its networks."""

    net: Players
    batch: Batch


def loss_inputs(spec: RunSpec, nets: Mapping[str, Player], carry: Params, batch: Batch) -> LossInputs:
    """The arguments of a loss: `nets` by name, of which `g` is a `packed_generator`, and the batch with the carry."""
    labels = (batch.y,) if spec.network.conditional and batch.y is not None else ()
    g, d = with_labels(nets["g"], labels), with_labels(nets["d"], labels)
    others = {name: net for name, net in nets.items() if name not in ("g", "d")}
    return LossInputs(Players(g, d, others), replace(batch, carry=carry))


def blueprints(spec: RunSpec, space: Space) -> dict[str, Callable[[], nn.Module]]:
    """How to make each network that the variant plays with: `g`, `d` and its others."""
    return {
        "g": partial(spec.network.generator, space),
        "d": partial(spec.network.discriminator, packed_space(space, spec.network.pac)),
        **{name: partial(spec.network.other, name, space) for name in spec.variant.others},
    }


def packed_generator(spec: RunSpec, g: Player, carry: Params) -> Player:
    """G as the losses see it: from packed latents, as they were drawn, to packed samples."""
    calls = spec.network.g_calls()
    pac = spec.network.pac // calls  # samples of a pack that one call makes

    def call(weights: Params, z: Tensor, *inputs: Tensor, **part: str) -> Tensor:
        fed = spec.variant.g_input(z.reshape(len(z) * pac, -1), carry)
        return packed_samples(g.apply(weights, fed, *inputs, **part), pac)

    def several(weights: Params, z: Tensor, *inputs: Tensor, **part: str) -> Tensor:
        return torch.cat([call(weights, share, *inputs, **part) for share in z.chunk(calls, 1)], 1)

    return replace(g, apply=call if calls == 1 else several)


def with_labels(player: Player, labels: tuple[Tensor, ...]) -> Player:
    """The same network with further inputs, which follow those of every call."""
    if not labels:
        return player
    return replace(player, apply=lambda weights, *inputs, **part: player.apply(weights, *inputs, *labels, **part))


def memoised(player: Player) -> Player:
    """The same network, evaluated once for each input, however many losses call it.

    Not for a network that a call changes, such as one with batch norm's running statistics.
    """
    known: dict[tuple[object, ...], tuple[object, Tensor]] = {}

    def apply(params: Params, *inputs: Tensor, part: str = "forward") -> Tensor:
        key = (id(params), *map(id, inputs), part)
        if key not in known:  # keeps the objects too, so that their ids are not used again
            known[key] = ((params, inputs), player.apply(params, *inputs, part=part))
        return known[key][1]

    return replace(player, apply=apply)


def moved_by(variant: Variant, name: str) -> PlayerName:
    """The player whose learning rate and updates a network has; D, for one that moves with both."""
    return "d" if name in variant.d_moves else "g"


def functional_update(optimizer: Optimizer, player: PlayerName, kept: Mapping[str, Slots]) -> Update:
    """The next update of a network as a pure function; `kept` is what the optimizer keeps of its parameters now."""

    def update(params: Params, gradients: Params) -> tuple[Params, Update]:
        moved = {
            n: optimizer.functional_update(param, gradients[n], kept.get(n, {}), player) for n, param in params.items()
        }
        after = functional_update(optimizer, player, {name: slots for name, (_, slots) in moved.items()})
        return {name: param for name, (param, _) in moved.items()}, after

    return update
