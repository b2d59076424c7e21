"""Trains a pack of runs and yields moments. It does not log, save, evaluate or print, and knows no variant by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import torch
from torch import Tensor, nn

from ganbench.datasets.base import Data, Space, to_range
from ganbench.optimizers.base import PlayerName
from ganbench.rng import STREAMS, stream
from ganbench.spec import RunSpec
from ganbench.training.moment import Divergence, Look, Moment, latents
from ganbench.training.state import Build, Checkpoint, Net, build, load, mapped, save
from ganbench.variants.base import Batch, Draw, Params, Players, Terms

Streams = dict[str, torch.Generator]


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
    g: Net
    d: Net
    streams: list[Streams]
    step: int = 0
    history: list[tuple[int, str, Terms]] = field(default_factory=list)  # (step, player, terms) since the last moment
    diverged: dict[int, Divergence] = field(default_factory=dict)  # by run


def train(
    specs: Sequence[RunSpec],
    data: Data,
    stops: Sequence[int],
    place: Place | None = None,
    resume: Sequence[Checkpoint] | None = None,
) -> Iterator[Moment]:
    """Train runs that differ only in their seed; yield a moment after each step of `stops` (rising).

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
    seeds = [spec.seed for spec in specs]
    network, space = first.network, data.space

    def net(make: Callable[[Space], nn.Module], player: PlayerName) -> Net:
        return build(
            Build(partial(make, space), first.optimizer, player, torch.device(place.device), place.dtype), seeds
        )

    streams = [{name: stream(seed, name) for name in STREAMS} for seed in seeds]
    on_device = replace(data, train=data.train.to(place.device))
    training = Training(specs, on_device, place, net(network.generator, "g"), net(network.discriminator, "d"), streams)
    if resume is not None:
        _restore(training, resume)
    return training


def _step(training: Training) -> None:
    """One step of the schedule: discriminator and generator updates in the declared order."""
    schedule = training.specs[0].schedule
    pending: list[tuple[PlayerName, list[Tensor]]] = []
    previous: PlayerName | None = None
    batch: Params = {}
    for player in _movers(training):
        reused = batch.get("z") if schedule.reuse_z and player != previous else None
        batch, previous = _draw(training, reused), player
        pending.append((player, _gradients(training, player, batch)))
        if schedule.order != "simultaneous" or player == "g":
            for mover, gradients in pending:
                _update(training, mover, gradients)
            pending.clear()


def _movers(training: Training) -> list[PlayerName]:
    """Who moves in this step, in order."""
    spec = training.specs[0]
    d_moves: list[PlayerName] = ["d"] * (spec.schedule.d_steps or spec.variant.d_steps(training.step))
    g_moves: list[PlayerName] = ["g"] * spec.schedule.g_steps
    return g_moves + d_moves if spec.schedule.order == "g_first" else d_moves + g_moves


def _draw(training: Training, z: Tensor | None) -> Params:
    """All random numbers of one update, stacked over the runs: x, z and what the variant's noise asks for."""
    spec, place = training.specs[0], training.place
    asked = spec.variant.noise(spec.batch, training.data.space)
    draws: list[Params] = []
    for streams in training.streams:
        x = training.data.draw(spec.batch, streams["data"])
        fresh = latents(spec, spec.batch, streams["latent"])
        noise = {f"noise/{name}": _random(draw, streams["penalty"]) for name, draw in asked.items()}
        draws.append({"x": to_range(x, *spec.network.pixel_range), "z": fresh, **noise})
    stacked = {name: torch.stack([draw[name] for draw in draws]) for name in draws[0]}
    batch = {name: tensor.to(place.device, place.dtype) for name, tensor in stacked.items()}
    return batch if z is None else batch | {"z": z}


def _random(draw: Draw, generator: torch.Generator) -> Tensor:
    law = torch.rand if draw.law == "uniform" else torch.randn
    return law(draw.shape, generator=generator)


def _gradients(training: Training, player: PlayerName, batch: Params) -> list[Tensor]:
    """The gradient of the moving player's loss at the current parameters; the terms go into the history."""
    g, d, variant = training.g, training.d, training.specs[0].variant
    loss = variant.d_loss if player == "d" else variant.g_loss

    def terms_of(g_params: Params, g_buffers: Params, d_params: Params, d_buffers: Params, draws: Params) -> Terms:
        players = Players(g.player(g_params, g_buffers), d.player(d_params, d_buffers))
        noise = {name.removeprefix("noise/"): tensor for name, tensor in draws.items() if name.startswith("noise/")}
        return loss(players, Batch(draws["x"], draws["z"], noise))

    g_params, d_params = (g.params, d.frozen) if player == "g" else (g.frozen, d.params)
    terms = mapped(terms_of, len(training.specs))(g_params, g.buffers, d_params, d.buffers, batch)
    moving = list((g_params if player == "g" else d_params).values())
    total = torch.stack(list(terms.values())).sum()
    training.history.append((training.step, player, {name: term.detach() for name, term in terms.items()}))
    return list(torch.autograd.grad(total, moving, materialize_grads=True))


def _update(training: Training, player: PlayerName, gradients: list[Tensor]) -> None:
    net = training.g if player == "g" else training.d
    for param, gradient in zip(net.params.values(), gradients, strict=True):
        param.grad = gradient
    net.optimizer.step()
    if player == "d":
        training.specs[0].variant.constrain(net.frozen)


def _moment(training: Training) -> Moment:
    means, finite = _summary(training)
    for run in range(len(training.specs)):
        if run not in training.diverged and not finite[run]:
            training.diverged[run] = _first_bad(training, run)
    training.history.clear()
    looks = []
    for run, spec in enumerate(training.specs):
        diverged = training.diverged.get(run)
        terms = {} if diverged else {name: float(values[run]) for name, values in means.items()}
        checkpoint, generator = partial(_checkpoint, training, run), partial(training.g.weights, run)
        looks.append(Look(spec, training.step, terms, diverged, checkpoint, generator))
    return Moment(training.step, tuple(looks))


def _summary(training: Training) -> tuple[dict[str, Tensor], list[bool]]:
    """Means of each term since the last moment, (S,), and whether all terms and parameters of a run are finite."""
    series: dict[str, list[Tensor]] = {}
    for _, player, terms in training.history:
        for name, term in terms.items():
            series.setdefault(f"{player}/{name}", []).append(term)
    stacked = {name: torch.stack(values).double() for name, values in series.items()}
    tensors = [*stacked.values()] + [p.unsqueeze(0) for net in (training.g, training.d) for p in net.frozen.values()]
    sound = torch.stack([t.isfinite().transpose(0, 1).flatten(1).all(1) for t in tensors]).all(0)
    return {name: values.mean(0).cpu() for name, values in stacked.items()}, sound.tolist()


def _first_bad(training: Training, run: int) -> Divergence:
    """The first non-finite term of a run since the last moment, or the player whose parameters are."""
    for step, player, terms in training.history:
        for name, term in terms.items():
            if not term[run].isfinite():
                return Divergence(step, f"{player}/{name}")
    broken = [name for name, net in (("d", training.d), ("g", training.g)) if not _finite(net, run)]
    return Divergence(training.step, f"{broken[0]}/parameters")


def _finite(net: Net, run: int) -> bool:
    return all(bool(tensor[run].isfinite().all()) for tensor in net.frozen.values())


def _checkpoint(training: Training, run: int) -> Checkpoint:
    streams = {name: generator.get_state() for name, generator in training.streams[run].items()}
    return {"step": training.step, "g": save(training.g, run), "d": save(training.d, run), "streams": streams}


def _restore(training: Training, checkpoints: Sequence[Checkpoint]) -> None:
    steps = {checkpoint["step"] for checkpoint in checkpoints}
    if len(steps) != 1:
        raise ValueError(f"a pack resumes from one step, not from {sorted(steps)}")
    load(training.g, [checkpoint["g"] for checkpoint in checkpoints])
    load(training.d, [checkpoint["d"] for checkpoint in checkpoints])
    for streams, checkpoint in zip(training.streams, checkpoints, strict=True):
        for name, generator in streams.items():
            generator.set_state(checkpoint["streams"][name])
    training.step = steps.pop()
