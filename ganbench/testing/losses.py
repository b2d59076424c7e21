"""Checks that the losses of every variant must pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from ganbench.datasets.base import Data
from ganbench.optimizers.base import PlayerName
from ganbench.rng import STREAMS, stream
from ganbench.spec import RunSpec
from ganbench.testing.claim import claim, fresh, same
from ganbench.testing.outputs import check_pixels, check_shape, scores_checked
from ganbench.training.annealing import at_step
from ganbench.training.draws import draw
from ganbench.training.objective import initial_carry, loss_terms, next_carry
from ganbench.training.packs import moved, program, row
from ganbench.training.players import LossInputs, blueprints, functional_update, moved_by, packed_generator
from ganbench.variants.base import Batch, LossTerms, Params, Player, Players

SEEDS = 8  # draws of weights and samples; each loss must have a gradient at one of them


def check_losses(spec: RunSpec, data: Data, dtype: torch.dtype = torch.float64) -> None:
    """Both losses are finite scalar terms, equal at equal states, that move their networks and change no input.

    The batch holds the draws that the variant declares and no others, and a loss must read each of them. The carry must
    keep its names and shapes; each measure must have a finite value for each sample.
    """
    spec = at_step(spec, 1)
    flat = {("d_loss", name) for name in spec.variant.d_moves} | {("g_loss", name) for name in spec.variant.g_moves}
    for seed in range(SEEDS):  # a hinge may be flat at some weights and samples
        flat -= _moved(spec, data, seed, dtype)
        if not flat:
            return
    pairs = " and ".join(f"{loss} has no gradient for {name!r}, which it moves" for loss, name in sorted(flat))
    claim(False, f"{spec.variant.notation()}: {pairs}")


def check_generator(spec: RunSpec, data: Data, dtype: torch.dtype = torch.float64) -> None:
    """G makes finite samples of the data's space, images within its network's range, in training and evaluation."""
    batch, _ = _batch(spec, data, 0, dtype)
    labels = (batch.y,) if spec.network.conditional and batch.y is not None else ()
    g, where = fresh(blueprints(spec, data.space)["g"], "g", 0, dtype), f"{spec.network.notation()}: g"
    z = spec.variant.g_input(batch.z.reshape(len(batch.z) * spec.network.pac, -1), batch.carry)
    for module in (g.train(), g.eval()):
        with torch.no_grad():
            made = module(z, *labels)
        check_shape(made, (len(z), *data.space.shape), where)
        check_pixels(spec.network, data.space, made, where)


@dataclass(frozen=True)
class DeclaredNoise(Mapping[str, Tensor]):
    """The draws that a variant declares, and the names of those that a loss has read."""

    declared: Mapping[str, Tensor]
    read: set[str] = field(default_factory=set)

    def __getitem__(self, name: str) -> Tensor:
        self.read.add(name)
        return self.declared[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.declared)

    def __len__(self) -> int:
        return len(self.declared)


def _moved(spec: RunSpec, data: Data, seed: int, dtype: torch.dtype) -> set[tuple[str, str]]:
    """Check both losses at the initial weights and a batch of a seed; the losses with a gradient for a network."""
    variant, nets, (batch, draws) = spec.variant, _nets(spec, data, seed, dtype), _batch(spec, data, seed, dtype)
    sloped: set[tuple[str, str]] = set()
    moving: dict[PlayerName, tuple[str, ...]] = {"d": variant.d_moves, "g": variant.g_moves}
    for player, movers in moving.items():
        where = f"{variant.notation()}: {player}_loss"
        weights = [(name, weight) for name in movers for weight in nets[name].weights.values()]
        given = [batch.x, batch.z, *(draw for own in draws for draw in own.declared.values()), *batch.carry.values()]
        before = [tensor.clone() for tensor in given]
        terms = loss_terms(spec, player, LossInputs(_players(spec, nets, batch), batch), penalised=True)
        _check_terms(terms, where)
        again = loss_terms(spec, player, LossInputs(_players(spec, nets, batch), batch), penalised=True)
        claim(same(terms, again), f"{where} gives other terms at a second call from the same state")
        claim(same(before, given), f"{where} changes its batch")
        total = torch.stack(list(terms.values())).sum()
        params = [weight for _, weight in weights]
        slopes = torch.autograd.grad(total, params, materialize_grads=True) if total.requires_grad else ()
        sloped |= {(f"{player}_loss", name) for (name, _), slope in zip(weights, slopes, strict=False) if slope.any()}
    _check_carry(spec, nets, batch)
    _check_measures(spec, nets, batch)
    unread = set().union(*(own.declared.keys() - own.read for own in draws))
    claim(not unread, f"{variant.notation()}: no loss reads the draws {', '.join(sorted(unread))}")
    return sloped


@dataclass(frozen=True)
class FreshNetwork:
    """A network as a function of its tensors, and these tensors."""

    call: Callable[..., Tensor]
    weights: Params
    buffers: Params

    def player(self, given: tuple[Tensor, ...]) -> Player:
        """A pure function that starts with copies of the buffers; `given` are inputs that follow those of a call."""
        buffers = {name: buffer.clone() for name, buffer in self.buffers.items()}
        return Player(lambda own, *inputs, **part: self.call(own | buffers, *inputs, *given, **part), self.weights)


def _nets(spec: RunSpec, data: Data, seed: int, dtype: torch.dtype) -> dict[str, FreshNetwork]:
    modules = {name: fresh(make, name, seed, dtype) for name, make in blueprints(spec, data.space).items()}
    return {
        name: FreshNetwork(program(m), {**dict(m.named_parameters())}, dict(m.named_buffers()))
        for name, m in modules.items()
    }


def _players(spec: RunSpec, nets: Mapping[str, FreshNetwork], batch: Batch) -> Players:
    labels = (batch.y,) if spec.network.conditional and batch.y is not None else ()
    players = {name: net.player(labels if name in ("g", "d") else ()) for name, net in nets.items()}
    players["d"] = scores_checked(players["d"], f"{spec.network.notation()}: d")
    if spec.variant.unrolls_updates:
        updates = {name: functional_update(spec.optimizer, moved_by(spec.variant, name), {}) for name in players}
        players = {name: replace(player, update=updates[name]) for name, player in players.items()}
    return Players(packed_generator(spec, players.pop("g"), dict(batch.carry)), players.pop("d"), players)


def _batch(spec: RunSpec, data: Data, seed: int, dtype: torch.dtype) -> tuple[Batch, list[DeclaredNoise]]:
    """A batch as the trainer makes it, and the draws in it, of each part of the run."""
    drawn = row(draw([spec], data, [dict.fromkeys(STREAMS, stream(seed, "check"))], 1), 0)
    batch = moved(replace(drawn, carry=initial_carry(spec)), "cpu", dtype)
    noise, added = DeclaredNoise(batch.noise), {name: DeclaredNoise(own) for name, own in batch.added.items()}
    return replace(batch, noise=noise, added=added), [noise, *added.values()]


def _check_terms(terms: LossTerms, where: str) -> None:
    claim(isinstance(terms, Mapping), f"{where} gives a {type(terms).__name__}, not its terms by name")
    claim(terms, f"{where} has no terms")
    for name, term in terms.items():
        claim(isinstance(term, Tensor), f"{where}: term {name!r} is a {type(term).__name__}, not a tensor")
        scalar = term.shape == () and term.is_floating_point()
        claim(scalar, f"{where}: term {name!r} is {term.dtype} of shape {tuple(term.shape)}, not a scalar")
        claim(term.isfinite(), f"{where}: term {name!r} is {term.item()} at the first step")


def _check_carry(spec: RunSpec, nets: Mapping[str, FreshNetwork], batch: Batch) -> None:
    """The next carry has the names and shapes of the initial one, and is finite."""
    movers: tuple[PlayerName, ...] = ("d", "g")
    for mover in movers:
        with torch.no_grad():
            following = next_carry(spec, mover, LossInputs(_players(spec, nets, batch), batch))
        where = f"{spec.variant.notation()}: next_carry after {mover}"
        shapes = [{name: tensor.shape for name, tensor in carry.items()} for carry in (batch.carry, following)]
        claim(shapes[0] == shapes[1], f"{where} gives {shapes[1]}, not {shapes[0]}")
        claim(all(tensor.isfinite().all() for tensor in following.values()), f"{where} is not finite at the first step")


def _check_measures(spec: RunSpec, nets: Mapping[str, FreshNetwork], batch: Batch) -> None:
    """Each measure has a declared name and a finite value for each sample."""
    with torch.no_grad():
        measured = spec.variant.measure(_players(spec, nets, batch), batch)
    for name, values in measured.items():
        where = f"{spec.variant.notation()}: measure {name!r}"
        claim(name in spec.variant.measures, f"{where} is not declared under `measures`")
        claim(values.shape == (len(batch.x),), f"{where} has shape {tuple(values.shape)}, not one value a sample")
        claim(values.isfinite().all(), f"{where} is not finite at the first step")
