"""What every run keeps: its losses, its resumption and its place in a pack."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from ganbench.datasets.base import Data, Space, to_range
from ganbench.datasets.ring8 import Ring8
from ganbench.networks.base import Network
from ganbench.networks.mlp import MLP
from ganbench.optimizers.adam import Adam
from ganbench.optimizers.base import PlayerName
from ganbench.rng import global_stream, stream
from ganbench.spec import RunSpec
from ganbench.testing._claim import claim
from ganbench.training.moment import Look, latents
from ganbench.training.state import Checkpoint
from ganbench.training.trainer import Place, train
from ganbench.variants.base import Batch, Params, Player, Players, Terms
from ganbench.variants.ns import NonSaturating

DOUBLE = Place(dtype=torch.float64)
TOLERANCE = 1e-9  # between a run in a pack and the run alone, in float64


def small_run(**parts: Any) -> RunSpec:
    """A run of a fraction of a second, with the given parts: `small_run(variant=MyGAN(), batch=16)`."""
    network = MLP(z=4, g_widths=(8,), d_widths=(8,))
    own = {"variant": NonSaturating(), "dataset": Ring8(), "network": network, "optimizer": Adam()}
    return RunSpec(**{**own, "batch": 8, "steps": 4, **parts})


def check_run(spec: RunSpec, data: Data | None = None) -> None:
    """A run has sound losses, repeats, resumes bit for bit, and is the same alone and in a pack."""
    loaded = spec.dataset.load(None) if data is None else data
    check_losses(spec, loaded)
    check_resume(spec, loaded)
    check_pack(spec, loaded)


def check_losses(spec: RunSpec, data: Data) -> None:
    """Both losses are finite scalar terms, the same at every call, that move their player and change no input.

    The batch holds the draws that the variant declares and no others; each of them is read by a loss.
    """
    nets = {"g": module(spec.network, data.space, "g"), "d": module(spec.network, data.space, "d")}
    players = Players(_player(nets["g"]), _player(nets["d"]))
    batch, noise = _batch(spec, data)
    for player, loss in (("d", spec.variant.d_loss), ("g", spec.variant.g_loss)):
        where = f"{spec.variant.notation()}: {player}_loss"
        before = [tensor.clone() for tensor in (batch.x, batch.z, *noise.declared.values())]
        terms = loss(players, batch)
        _check_terms(terms, where)
        claim(same(terms, loss(players, batch)), f"{where} gives other terms at a second call")
        claim(same(before, [batch.x, batch.z, *noise.declared.values()]), f"{where} changes its batch")
        total = torch.stack(list(terms.values())).sum()
        weights = list(nets[player].parameters())
        slopes = torch.autograd.grad(total, weights, materialize_grads=True) if total.requires_grad else ()
        claim(any(slope.any() for slope in slopes), f"{where} doesn't depend on the player that it moves")
    unread = noise.declared.keys() - noise.read
    claim(not unread, f"{spec.variant.notation()}: no loss reads the draws {', '.join(sorted(unread))}")


def check_resume(spec: RunSpec, data: Data) -> None:
    """A run that is saved as plain tensors in its middle, and resumed, ends as one that never stopped, to the bit."""
    middle = spec.steps // 2
    straight, halves = end([spec], data)[0], train([spec], data, (middle, spec.steps))
    file = io.BytesIO()
    torch.save(next(halves).looks[0].checkpoint(), file)
    claim(straight.diverged is None, f"{spec.run_id()} diverges: {straight.diverged}")
    claim(same(next(halves).looks[0].checkpoint(), straight.checkpoint()), f"looking at {spec.run_id()} changes it")
    file.seek(0)
    resumed = end([spec], data, resume=[torch.load(file, weights_only=True)])[0]
    claim(same(resumed.checkpoint(), straight.checkpoint()), f"{spec.run_id()} resumes to other numbers")


def check_pack(spec: RunSpec, data: Data) -> None:
    """Two runs trained as one program are the two runs alone, in float64. A variant may declare that it can't."""
    if not spec.variant.stackable:
        return
    specs = [spec, replace(spec, seed=spec.seed + 1)]
    for one, packed in zip(specs, end(specs, data, DOUBLE), strict=True):
        alone, weights = end([one], data, DOUBLE)[0].generator(), packed.generator()
        gaps = {name: float((tensor - alone[name]).abs().max()) for name, tensor in weights.items()}
        name = max(gaps, key=lambda name: gaps[name])
        claim(gaps[name] <= TOLERANCE, f"{one.run_id()} in a pack and alone differ by {gaps[name]:.1e} in G's {name}")


def end(
    specs: Sequence[RunSpec], data: Data, place: Place | None = None, resume: Sequence[Checkpoint] | None = None
) -> tuple[Look, ...]:
    """How each run of a pack looks after its last step."""
    moments = list(train(specs, data, (specs[0].steps,), place, resume))
    return moments[-1].looks


def same(one: Any, other: Any) -> bool:
    """Whether two values made of tensors, numbers, mappings and lists are the same to the bit."""
    if isinstance(one, Tensor):
        return isinstance(other, Tensor) and one.dtype == other.dtype and torch.equal(one, other)
    if isinstance(one, Mapping):
        return one.keys() == other.keys() and all(same(value, other[name]) for name, value in one.items())
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def module(network: Network, space: Space, player: PlayerName, seed: int = 0) -> nn.Module:
    """One player in float64, with the initial weights of a seed."""
    make = network.generator if player == "g" else network.discriminator
    with global_stream(seed, "init", player):
        return make(space).double()


@dataclass(frozen=True)
class Noise(Mapping[str, Tensor]):
    """The draws that a variant declared, and the names of those that have been read."""

    declared: Params
    read: set[str] = field(default_factory=set)

    def __getitem__(self, name: str) -> Tensor:
        self.read.add(name)
        return self.declared[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.declared)

    def __len__(self) -> int:
        return len(self.declared)


def _player(net: nn.Module) -> Player:
    return Player(lambda params, x: functional_call(net, params, (x,)), dict(net.named_parameters()))


def _batch(spec: RunSpec, data: Data) -> tuple[Batch, Noise]:
    """A batch as the trainer makes it, in float64."""
    generator = stream(0, "check")
    x = to_range(data.draw(spec.batch, generator), *spec.network.pixel_range)
    law = {"uniform": torch.rand, "normal": torch.randn}
    asked = spec.variant.noise(spec.batch, data.space)
    noise = Noise({name: law[draw.law](draw.shape, generator=generator).double() for name, draw in asked.items()})
    return Batch(x.double(), latents(spec, spec.batch, generator).double(), noise), noise


def _check_terms(terms: Terms, where: str) -> None:
    claim(terms, f"{where} has no terms")
    for name, term in terms.items():
        claim(term.shape == () and term.is_floating_point(), f"{where}: term {name!r} is not a scalar")
        claim(term.isfinite(), f"{where}: term {name!r} is {term.item()} at the first step")
