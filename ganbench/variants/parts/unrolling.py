"""Networks after updates to come."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor
from torch.func import grad

from ganbench.variants.base import Params, Player


def unroll(player: Player, loss: Callable[[Player], Tensor], steps: int) -> Player:
    """A network after so many updates of its own optimizer on a scalar loss, from the optimizer's state at hand.

    Gradients flow through all the updates into whatever the loss depends on.
    """

    def of(params: Params) -> Tensor:
        return loss(player.at(params))

    for _ in range(steps):
        player = player.after(grad(of)(player.params))
    return player
