"""The contract of every network."""

from __future__ import annotations

import copy
from dataclasses import replace
from functools import partial
from typing import get_args

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from ganbench.datasets.base import Space
from ganbench.networks.base import BatchNorm, Network
from ganbench.optimizers.base import PlayerName
from ganbench.rng import stream
from ganbench.testing.claim import TOLERANCE, claim, fresh, same
from ganbench.testing.outputs import check_pixels, check_shape
from ganbench.testing.runs import small_run
from ganbench.training.inputs import packed_space

EPS, MOMENTUM = 1e-5, 0.1  # of batch norm
PLAYERS: tuple[PlayerName, ...] = ("g", "d")
SAMPLES = 3


def check_network(network: Network, space: Space) -> None:
    """A pair serves a space: shapes, range, batch norm as declared, seeded weights, the same results under `vmap`.

    It is checked with every `batchnorm` that it has no conflict with.
    """
    unsupported = network.unsupported(space)
    claim(unsupported is None, f"{network.notation()} doesn't fit {space.shape}: {unsupported}")
    for placement in get_args(BatchNorm):
        placed = replace(network, batchnorm=placement)
        if placed.conflict(small_run(network=placed)) is None:
            for player in PLAYERS:
                check_player(placed, space, player)


def check_player(network: Network, space: Space, player: PlayerName) -> None:
    """One network of a pair, in float64, with seeds 0 and 1 as a pack; D takes packed samples if `pac` says so."""
    where, inputs = f"{network.notation()}: {player}", _inputs(network, space, player)
    d_space = packed_space(space, network.pac)
    make = partial(network.generator, space) if player == "g" else partial(network.discriminator, d_space)
    nets = [fresh(make, player, seed) for seed in (0, 1)]
    check_norms(nets[0], network.g_batchnorm if player == "g" else network.d_batchnorm, where)
    check_seeds(nets[0], nets[1], fresh(make, player, 0), where)
    shape = (SAMPLES, *space.shape) if player == "g" else (SAMPLES,)
    with torch.no_grad():
        together, alone = _stacked(nets, inputs), torch.stack([net(*inputs) for net in copy.deepcopy(nets)])
        evaluated, first_evaluated = nets[0].eval()(*inputs), nets[0](*(part[:1] for part in inputs))
    check_shape(alone[0], shape, where)
    claim(alone.isfinite().all(), f"{where} makes a number that is not finite")
    if player == "g":
        check_pixels(network, space, alone, where)
    claim(_gap(together, alone) <= TOLERANCE, f"{where} under vmap and alone differ by {_gap(together, alone):.1e}")
    separate = _gap(first_evaluated, evaluated[:1]) <= TOLERANCE or (player == "d" and network.mixing() is not None)
    claim(separate, f"{where} mixes the samples of a batch in evaluation")


def check_norms(module: nn.Module, wanted: bool, where: str) -> None:
    """A network has batch norm exactly if it is wanted, with the usual eps and momentum."""
    norms = [m for m in module.modules() if "running_mean" in dict(m.named_buffers(recurse=False))]
    number = "some" if wanted else "none"
    claim(bool(norms) == wanted, f"{where} has {len(norms)} batch norm layers and should have {number}")
    for norm in norms:
        claim(norm.eps == EPS and norm.momentum == MOMENTUM, f"{where}: eps {norm.eps}, momentum {norm.momentum}")


def check_seeds(first: nn.Module, other: nn.Module, again: nn.Module, where: str) -> None:
    """A seed decides every weight (`first` and `again`), and two seeds give two networks."""
    weights = [dict(net.named_parameters()) for net in (first, other, again)]
    claim(same(weights[0], weights[2]), f"{where}: one seed gives two networks")
    claim(not same(weights[0], weights[1]), f"{where}: two seeds give one network")


def _inputs(network: Network, space: Space, player: PlayerName) -> tuple[Tensor, ...]:
    """Latents or samples, and labels if the network takes them."""
    generator = stream(0, "check")
    shape = (network.latent(space),) if player == "g" else packed_space(space, network.pac).shape
    x = torch.rand((SAMPLES, *shape), generator=generator, dtype=torch.float64).mul(2).sub(1)
    labels = torch.randint(max(space.classes, 1), (SAMPLES,), generator=generator)
    return (x, labels) if network.conditional else (x,)


def _stacked(nets: list[nn.Module], inputs: tuple[Tensor, ...]) -> Tensor:
    """The outputs of all networks for the same inputs, (S, n, ...), as one program. The networks are not changed."""
    params, buffers = stack_module_state(nets)
    apply = vmap(lambda params, buffers: functional_call(nets[0], (params, buffers), inputs), randomness="error")
    outputs: Tensor = apply(params, buffers)
    return outputs


def _gap(a: Tensor, b: Tensor) -> float:
    return float((a - b).abs().max())
