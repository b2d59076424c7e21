"""Trains a pack of runs and yields snapshots. It logs, saves, evaluates and prints nothing, and names no variant."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from math import isfinite

import torch
from torch import Tensor

from ganbench.datasets.base import Data, Space
from ganbench.optimizers.base import PlayerName
from ganbench.rng import STREAMS, stream
from ganbench.spec import RunSpec
from ganbench.training.draws import Streams, draw
from ganbench.training.health import due, first_bad, gradient_norms, summary, verdicts
from ganbench.training.measures import measure
from ganbench.training.players import (
    LossInputs,
    Turn,
    blueprints,
    functional_update,
    moved_by,
    once,
    own_draws,
    packed_generator,
    sights,
)
from ganbench.training.snapshot import Divergence, Measured, RunSnapshot, Snapshot
from ganbench.training.state import Build, Checkpoint, Net, build, load, mapped, save
from ganbench.variants.base import LossTerms, Params

Nested = dict[str, Params]
Kept = dict[str, Nested]  # network -> parameter -> what its optimizer keeps of it


@dataclass(frozen=True)
class Place:
    """Where and in which precision to train."""

    device: str = "cpu"
    dtype: torch.dtype = torch.float32


@dataclass
class Training:
    """The moving parts of a pack in training."""

    specs: Sequence[RunSpec]
    data: Data
    place: Place
    nets: dict[str, Net]  # "g", "d" and the variant's others
    streams: list[Streams]
    carry: Params = field(default_factory=dict)  # (S, ...) what the variant carries from update to update
    average: Params = field(default_factory=dict)  # (S, ...) the moving average of G's parameters, where there is one
    batch: Params = field(default_factory=dict)  # the newest draws
    step: int = 0
    looked: int = 0  # the step of the last snapshot
    history: list[tuple[int, LossTerms]] = field(
        default_factory=list
    )  # `d/real` ... at each step since the last snapshot
    diverged: dict[int, Divergence] = field(default_factory=dict)  # by run


def train(
    specs: Sequence[RunSpec],
    data: Data,
    stops: Sequence[int],
    place: Place | None = None,
    resume: Sequence[Checkpoint] | None = None,
) -> Iterator[Snapshot]:
    """Train runs that differ only in their seed; yield a snapshot after each step of `stops` (rising).

    `resume` holds a checkpoint of each run, all of one step: training goes on as if it had never stopped, bit for bit
    on the CPU. A run whose terms or parameters become non-finite is marked; the others go on. Ends early when all are.
    """
    training = start(specs, data, place or Place(), resume)
    for stop in stops:
        if stop <= training.step:
            continue
        while training.step < stop:
            training.step += 1
            _step(training)
        yield _moment(training)
        if len(training.diverged) == len(specs):
            return


def start(specs: Sequence[RunSpec], data: Data, place: Place, resume: Sequence[Checkpoint] | None = None) -> Training:
    """Networks, optimizers and streams at step 0, or as the checkpoints say."""
    first = specs[0]
    if any(replace(spec, seed=first.seed) != first for spec in specs):
        raise ValueError("a pack holds runs that differ only in their seed")
    if conflict := first.schedule.conflict(first):
        raise ValueError(conflict)
    streams = [{name: stream(spec.seed, name) for name in STREAMS} for spec in specs]
    on_device = replace(data, train=data.train.to(place.device))
    training = Training(specs, on_device, place, _nets(specs, data.space, place), streams)
    training.carry = _to(place, {n: torch.stack([t] * len(specs)) for n, t in first.variant.carry().items()})
    if first.schedule.ema:
        training.average = {name: tensor.clone() for name, tensor in training.nets["g"].frozen.items()}
    if resume is not None:
        _restore(training, resume)
    return training


def _nets(specs: Sequence[RunSpec], space: Space, place: Place) -> dict[str, Net]:
    """The networks that the variant plays with, each initialised from its own stream of each seed."""
    first, seeds = specs[0], [spec.seed for spec in specs]
    makers = blueprints(first, space)
    device = torch.device(place.device)
    return {
        name: build(Build(make, first.optimizer, name, moved_by(first.variant, name), device, place.dtype), seeds)
        for name, make in makers.items()
    }


def _step(training: Training) -> None:
    """One step of the schedule: discriminator and generator updates in the declared order."""
    schedule = training.specs[0].schedule
    turn: Turn = {}
    previous: PlayerName | None = None
    batch: Params = {}
    for player in _movers(training):
        reused = batch.get("z") if schedule.reuse_z and player != previous else None
        batch, previous = _draw(training, reused), player
        training.batch = batch
        turn[player] = batch
        if schedule.order != "simultaneous" or player == "g":
            gradients = _gradients(training, turn)
            for mover, drawn in turn.items():
                _update(training, mover, gradients[mover])
                _carry_on(training, mover, drawn)
            turn = {}


def _movers(training: Training) -> list[PlayerName]:
    """Who moves in this step, in order."""
    spec = training.specs[0]
    d_moves: list[PlayerName] = ["d"] * (spec.schedule.d_steps or spec.variant.d_steps(training.step))
    g_moves: list[PlayerName] = ["g"] * spec.schedule.g_steps
    return g_moves + d_moves if spec.schedule.order == "g_first" else d_moves + g_moves


def _draw(training: Training, z: Tensor | None) -> Params:
    """All that one update needs to know, stacked over the runs: x, z, labels, the step, what the variant asks for."""
    runs = zip(training.specs, training.streams, strict=True)
    draws = [draw(spec, training.data, streams, training.step) for spec, streams in runs]
    batch = _to(training.place, {name: torch.stack([one[name] for one in draws]) for name in draws[0]})
    return batch if z is None else batch | {"z": z}


def _to(place: Place, tensors: Params) -> Params:
    """On the place's device, floats in its precision."""
    return {n: t.to(place.device, place.dtype if t.is_floating_point() else t.dtype) for n, t in tensors.items()}


def _moving(training: Training, player: PlayerName) -> dict[str, Net]:
    """The networks that an update of this player moves."""
    variant = training.specs[0].variant
    return {name: training.nets[name] for name in (variant.d_moves if player == "d" else variant.g_moves)}


def _gradients(training: Training, turn: Turn) -> dict[PlayerName, list[Tensor]]:
    """The gradient of each moving player's loss at the current parameters; the terms go into the history."""
    variant = training.specs[0].variant
    losses = {"d": variant.d_loss, "g": variant.g_loss}

    def terms_of(sights: Mapping[PlayerName, LossInputs]) -> LossTerms:
        return {f"{p}/{name}": term for p, sight in sights.items() for name, term in losses[p](*sight).items()}

    moving = {player: _moving(training, player) for player in turn}
    moved = {name for nets in moving.values() for name in nets}
    weights = {name: net.params if name in moved else net.frozen for name, net in training.nets.items()}
    terms = _on_pack(training, terms_of)(weights, _buffers(training), training.carry, own_draws(turn))
    training.history.append((training.step, {name: term.detach() for name, term in terms.items()}))
    gradients: dict[PlayerName, list[Tensor]] = {}
    for player, nets in moving.items():
        total = torch.stack([term for name, term in terms.items() if name.startswith(f"{player}/")]).sum()
        params = [param for net in nets.values() for param in net.params.values()]
        shared = len(turn) > 1  # the losses may hang on one evaluation
        gradients[player] = list(torch.autograd.grad(total, params, retain_graph=shared, materialize_grads=True))
    return gradients


def _on_pack(
    training: Training, function: Callable[[Mapping[PlayerName, LossInputs]], Params]
) -> Callable[..., Params]:
    """A function of what the movers of one run see as a function of the pack's stacked tensors."""
    spec = training.specs[0]

    def of_one(kept: Kept, weights: Nested, buffers: Nested, carry: Params, turn: Turn) -> Params:
        nets = {name: net.player(weights[name], buffers[name]) for name, net in training.nets.items()}
        for name, slots in kept.items():
            nets[name] = replace(
                nets[name], update=functional_update(spec.optimizer, moved_by(spec.variant, name), slots)
            )
        nets["g"] = packed_generator(spec, nets["g"], carry)
        steady = {name: net if buffers[name] else once(net) for name, net in nets.items()}
        return function(sights(spec, steady, carry, turn))

    kept = {name: net.slots() for name, net in training.nets.items()} if spec.variant.looks_ahead else {}
    return partial(mapped(of_one, len(training.specs)), kept)


def _buffers(training: Training) -> Nested:
    return {name: net.buffers for name, net in training.nets.items()}


def _update(training: Training, player: PlayerName, gradients: list[Tensor]) -> None:
    left = iter(gradients)
    for net in _moving(training, player).values():
        for param in net.params.values():
            param.grad = next(left)
        net.optimizer.step()
    spec = training.specs[0]
    if player == "d":
        spec.variant.constrain(training.nets["d"].frozen)
    else:
        for name, mean in training.average.items():
            mean.lerp_(training.nets["g"].frozen[name], 1 - spec.schedule.ema)


def _carry_on(training: Training, player: PlayerName, batch: Params) -> None:
    """Let the variant renew what it carries, after an update of that player."""
    if training.carry:
        variant = training.specs[0].variant
        renew = _on_pack(training, lambda sights: variant.next_carry(*sights[player], mover=player))
        weights = {name: net.frozen for name, net in training.nets.items()}
        with torch.no_grad():
            training.carry = renew(weights, _buffers(training), training.carry, {player: batch})


def _moment(training: Training) -> Snapshot:
    means, finite = summary(training.history, training.nets)
    shown = means | _health(training)
    for run in range(len(training.specs)):
        if run not in training.diverged and not finite[run]:
            training.diverged[run] = first_bad(training.history, training.nets, run)
    training.history.clear()
    training.looked = training.step
    looks = []
    for run, spec in enumerate(training.specs):
        diverged, carry = training.diverged.get(run), {name: tensor[run] for name, tensor in training.carry.items()}
        carried = {f"carry/{name}": float(value) for name, value in spec.variant.report(carry).items()}
        numbers = {name: float(values[run]) for name, values in shown.items()} | carried
        terms = {} if diverged else {name: number for name, number in numbers.items() if isfinite(number)}
        checkpoint, generator = partial(_checkpoint, training, run), partial(_sampler, training, run)
        measures = partial(_measures, training, run)
        looks.append(RunSnapshot(spec, training.step, terms, diverged, checkpoint, generator, measures))
    return Snapshot(training.step, tuple(looks))


def _health(training: Training) -> Params:
    """How the networks fare, (S,), under `health/`; nothing where it is not due. Buffers are copies."""
    if not due(training.step, training.looked):
        return {}
    judge = _on_pack(training, partial(verdicts, training.specs[0].variant))
    weights = {name: net.frozen for name, net in training.nets.items()}
    buffers = {name: {n: t.clone() for n, t in own.items()} for name, own in _buffers(training).items()}
    with torch.no_grad():
        found = judge(weights, buffers, training.carry, {"d": training.batch})
    return {f"health/{name}": values for name, values in (gradient_norms(training.nets) | found).items()}


def _sampler(training: Training, run: int) -> Params:
    """What it takes to sample: G's weights, averaged where the run says, and what is carried, under `carry/`."""
    average = {name: tensor[run].clone() for name, tensor in training.average.items()}
    carry = {f"carry/{name}": tensor[run].clone() for name, tensor in training.carry.items()}
    return training.nets["g"].weights(run) | average | carry


def _measures(training: Training, run: int) -> dict[str, Measured]:
    weights = {name: net.weights(run) for name, net in training.nets.items()}
    carry = {name: tensor[run] for name, tensor in training.carry.items()}
    return measure(training.specs[run], training.data, weights, carry, training.step)


def _checkpoint(training: Training, run: int) -> Checkpoint:
    return {
        "step": training.step,
        "nets": {name: save(net, run) for name, net in training.nets.items()},
        "carry": {name: tensor[run].clone() for name, tensor in training.carry.items()},
        "average": {name: tensor[run].clone() for name, tensor in training.average.items()},
        "streams": {name: generator.get_state() for name, generator in training.streams[run].items()},
    }


def _restore(training: Training, checkpoints: Sequence[Checkpoint]) -> None:
    steps = {checkpoint["step"] for checkpoint in checkpoints}
    if len(steps) != 1:
        raise ValueError(f"a pack resumes from one step, not from {sorted(steps)}")
    for name, net in training.nets.items():
        load(net, [checkpoint["nets"][name] for checkpoint in checkpoints])
    for name in ("carry", "average"):
        began = getattr(training, name)
        setattr(
            training, name, {key: torch.stack([checkpoint[name][key] for checkpoint in checkpoints]) for key in began}
        )
    for streams, checkpoint in zip(training.streams, checkpoints, strict=True):
        for name, generator in streams.items():
            generator.set_state(checkpoint["streams"][name].cpu())
    training.step = training.looked = steps.pop()
