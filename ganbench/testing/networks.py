"""What every pair of networks keeps."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import torch
from torch import Tensor, nn

from ganbench.datasets.base import Space
from ganbench.networks.base import BatchNorm, Network
from ganbench.optimizers.base import PlayerName
from ganbench.rng import stream
from ganbench.testing._claim import claim
from ganbench.testing.runs import TOLERANCE, net, same, small_run
from ganbench.training.state import Net, mapped
from ganbench.variants.base import Params

EPS, MOMENTUM = 1e-5, 0.1  # of batch norm
PLAYERS: tuple[PlayerName, ...] = ("g", "d")
SAMPLES = 3


def check_network(network: Network, space: Space) -> None:
    """A pair fits a space: shapes, range, batch norm where the field says, seeded weights, and life under `vmap`.

    Every `batchnorm` is checked that the network doesn't object to.
    """
    misfit = network.misfit(space)
    claim(misfit is None, f"{network.notation()} doesn't fit {space.shape}: {misfit}")
    for placement in get_args(BatchNorm):
        placed = replace(network, batchnorm=placement)
        if placed.objection(small_run(network=placed)) is None:
            for player in PLAYERS:
                check_player(placed, space, player)


def check_player(network: Network, space: Space, player: PlayerName) -> None:
    """One network of a pair, in float64, for seeds 0 and 1 at once."""
    where = f"{network.notation()}: {player}"
    pack = net(small_run(network=network), space, player, (0, 1))
    check_norms(pack.module, network.g_batchnorm if player == "g" else network.d_batchnorm, where)
    check_seeds(network, space, player, where)
    x = _inputs(network, space, player)
    shape = (SAMPLES, *space.shape) if player == "g" else (SAMPLES,)
    together = _outputs(pack, x, 2)
    claim(together.shape == (2, *shape), f"{where} makes {tuple(together.shape[1:])}, not {shape}")
    claim(together.isfinite().all(), f"{where} makes a number that is not finite")
    for run in (0, 1):
        alone = _outputs(net(small_run(network=network), space, player, (run,)), x, 1)[0]
        gap = float((together[run] - alone).abs().max())
        claim(gap <= TOLERANCE, f"{where} under vmap and alone differ by {gap:.1e}")
    low, high = network.pixel_range
    inside = low <= float(together.min()) and float(together.max()) <= high
    claim(player == "d" or not space.is_image or inside, f"{where} makes pixels outside [{low}, {high}]")
    pack.module.eval()
    claim(_gap(_outputs(pack, x[:1], 2), _outputs(pack, x, 2)[:, :1]) <= TOLERANCE, f"{where} mixes samples in use")


def check_norms(module: nn.Module, wanted: bool, where: str) -> None:
    """Batch norm is there where it is wanted, and is the usual one."""
    norms = [m for m in module.modules() if "running_mean" in dict(m.named_buffers(recurse=False))]
    claim(
        bool(norms) == wanted, f"{where} has {len(norms)} batch norm layers, and {'some' if wanted else 'none'} wanted"
    )
    for norm in norms:
        claim(norm.eps == EPS and norm.momentum == MOMENTUM, f"{where}: eps {norm.eps}, momentum {norm.momentum}")


def check_seeds(network: Network, space: Space, player: PlayerName, where: str) -> None:
    """A seed decides every weight, and two seeds give two networks."""
    three = net(small_run(network=network), space, player, (0, 1, 0)).params
    claim(all(same(stack[0], stack[2]) for stack in three.values()), f"{where}: one seed gives two networks")
    claim(not all(same(stack[0], stack[1]) for stack in three.values()), f"{where}: two seeds give one network")


def _inputs(network: Network, space: Space, player: PlayerName) -> Tensor:
    shape = (SAMPLES, network.z) if player == "g" else (SAMPLES, *space.shape)
    return torch.rand(shape, generator=stream(0, "check"), dtype=torch.float64).mul(2).sub(1)


def _outputs(pack: Net, x: Tensor, size: int) -> Tensor:
    """What each run's network makes of the same inputs, (S, n, ...)."""

    def apply(params: Params, buffers: Params, draws: Params) -> Params:
        return {"made": pack.player(params, buffers)(draws["x"])}

    with torch.no_grad():
        return mapped(apply, size)(pack.frozen, pack.buffers, {"x": x.expand(size, *x.shape)})["made"]


def _gap(one: Tensor, other: Tensor) -> float:
    return float((one - other).abs().max())
