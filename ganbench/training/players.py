"""What the losses of one run see: its networks as pure functions, and the draws of an update."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from torch import Tensor, nn

from ganbench.optimizers.base import Optimizer, PlayerName, Slots
from ganbench.training.inputs import pack, packed
from ganbench.variants.base import Batch, Params, Player, Players, Update, Variant

if TYPE_CHECKING:
    from ganbench.datasets.base import Space
    from ganbench.spec import RunSpec

Turn = dict[PlayerName, Params]  # who moves from the same parameters, each with its draws
LossInputs = tuple[Players, Batch]  # what a loss sees


def blueprints(spec: RunSpec, space: Space) -> dict[str, Callable[[], nn.Module]]:
    """How to make each network that the variant plays with: `g`, `d` and its others."""
    return {
        "g": partial(spec.network.generator, space),
        "d": partial(spec.network.discriminator, packed(space, spec.network.pac)),
        **{name: partial(spec.network.other, name, space) for name in spec.variant.others},
    }


def packed_generator(spec: RunSpec, g: Player, carry: Params) -> Player:
    """G as the losses see it: latents as they were drawn, in packs, to samples in packs."""
    pac = spec.network.pac

    def make(weights: Params, z: Tensor, *inputs: Tensor, **part: str) -> Tensor:
        fed = spec.variant.g_input(z.reshape(len(z) * pac, -1), carry)
        return pack(g.apply(weights, fed, *inputs, **part), pac)

    return replace(g, apply=make)


def own_draws(turn: Turn) -> Turn:
    """The turn without what a later player takes over from the first (latents), so that it stays one tensor."""
    first = next(iter(turn.values()))
    return {
        player: draws if draws is first else {n: draw for n, draw in draws.items() if draw is not first[n]}
        for player, draws in turn.items()
    }


def sights(spec: RunSpec, nets: Mapping[str, Player], carry: Params, turn: Turn) -> dict[PlayerName, LossInputs]:
    """What each moving player's loss sees, where `turn` holds each one's `own_draws`."""
    first = next(iter(turn.values()))
    return {player: sight(spec, nets, carry, first | draws) for player, draws in turn.items()}


def sight(spec: RunSpec, nets: Mapping[str, Player], carry: Params, draws: Params) -> LossInputs:
    """The networks and the batch as the variant's functions take them."""
    y = draws.get("y")
    labels = (y,) if spec.network.conditional and y is not None else ()
    g, d = labelled(nets["g"], labels), labelled(nets["d"], labels)
    others = {name: net for name, net in nets.items() if name not in ("g", "d")}
    return Players(g, d, others), batch_of(carry, draws)


def batch_of(carry: Params, draws: Params) -> Batch:
    """The batch as the variant's functions take it."""
    noise = {name.removeprefix("noise/"): draw for name, draw in draws.items() if name.startswith("noise/")}
    told = (draws["labelled/x"], draws["labelled/y"]) if "labelled/x" in draws else None
    return Batch(draws["x"], draws["z"], noise, carry, draws.get("y"), draws["step"], told)


def once(player: Player) -> Player:
    """The same network, evaluated once for each input, however many losses ask; not for one that a call changes."""
    known: dict[tuple[object, ...], tuple[object, Tensor]] = {}

    def apply(params: Params, *inputs: Tensor, part: str = "forward") -> Tensor:
        key = (id(params), *map(id, inputs), part)
        if key not in known:  # what has these ids is kept, so that nothing else gets them
            known[key] = ((params, inputs), player.apply(params, *inputs, part=part))
        return known[key][1]

    return replace(player, apply=apply)


def labelled(player: Player, labels: tuple[Tensor, ...]) -> Player:
    """The same network with further inputs, which follow those of every call."""
    if not labels:
        return player
    return replace(player, apply=lambda weights, *inputs, **part: player.apply(weights, *inputs, *labels, **part))


def moved_by(variant: Variant, name: str) -> PlayerName:
    """In whose updates a network moves."""
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
