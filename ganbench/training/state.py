"""The state of a pack in training: networks, random streams, what the variant carries; and a checkpoint of each run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import torch
from torch import Tensor

from ganbench.datasets.base import Data
from ganbench.optimizers.base import Optimizer, PlayerName, Slots
from ganbench.rng import STREAMS, stream
from ganbench.spec import RunSpec
from ganbench.training.annealing import Courses, at_step
from ganbench.training.arithmetic import computed_in
from ganbench.training.draws import Streams
from ganbench.training.graphs import Record, Turns, cuda_graph, turns_of
from ganbench.training.health import History
from ganbench.training.objective import initial_carry
from ganbench.training.packs import (
    Build,
    Checkpoint,
    StackedNetwork,
    Tree,
    build,
    load,
    map_tensors,
    moved,
    over_pack,
    row,
    save,
    stack,
)
from ganbench.training.players import (
    LossInputs,
    blueprints,
    functional_update,
    loss_inputs,
    memoised,
    moved_by,
    packed_generator,
)
from ganbench.training.snapshot import Divergence
from ganbench.training.tape import tape
from ganbench.variants.base import Batch, Params

Batches = dict[PlayerName, Batch]  # of the players that move from the same parameters


@dataclass(frozen=True)
class Place:
    """Where and in which precision to train.

    `record` records turns so that they can be replayed (`ganbench.training.graphs`); without it none is recorded.
    """

    device: str = "cpu"
    dtype: torch.dtype = torch.float32
    record: Record | None = None

    @classmethod
    def of(cls, device: str) -> Place:
        """A device: turns become CUDA graphs on a GPU, and tapes elsewhere."""
        return cls(device, record=partial(cuda_graph, device) if device.startswith("cuda") else tape)


@dataclass
class Training:
    """A pack in training. What changes from step to step is changed in place."""

    specs: Sequence[RunSpec]
    data: Data
    place: Place
    nets: Mapping[str, StackedNetwork]  # "g", "d" and the variant's others
    streams: Sequence[Streams]  # of each run
    turns: Turns  # executes them
    courses: Courses  # of the options that change during training
    now: RunSpec  # the first run with the values that these options have in the present step
    carry: Params = field(default_factory=dict)  # (S, ...), what the variant carries from update to update
    average: Params = field(default_factory=dict)  # (S, ...), the moving average of G's parameters, if the run has one
    batch: Batch | None = None  # (S, ...), of the last update
    step: int = 0
    reported: int = 0  # the step of the last snapshot
    history: History = field(default_factory=list)  # the loss terms of every turn since the last snapshot
    diverged: dict[int, Divergence] = field(default_factory=dict)  # by run

    @property
    def spec(self) -> RunSpec:
        """The first run; the others differ from it only in their seed."""
        return self.specs[0]

    def moving(self, player: PlayerName) -> dict[str, StackedNetwork]:
        """The networks that an update of this player moves."""
        variant = self.spec.variant
        return {name: self.nets[name] for name in (variant.d_moves if player == "d" else variant.g_moves)}


def start(specs: Sequence[RunSpec], data: Data, place: Place, resume: Sequence[Checkpoint] | None = None) -> Training:
    """A pack at step 0, or as the checkpoints left it. Raises `ValueError` for runs that can't be trained together."""
    first = specs[0]
    if any(replace(spec, seed=first.seed) != first for spec in specs):
        raise ValueError("the runs of a pack may differ only in their seed; train other runs in a pack of their own")
    if conflict := first.schedule.conflict(first):
        raise ValueError(conflict)
    if conflict := _place_conflict(first, len(specs), place):
        raise ValueError(conflict)
    now = at_step(first, 1)
    nets = _networks(specs, now.optimizer, data, place)
    on_device = replace(data, train=data.train.to(place.device))
    streams = [{name: stream(spec.seed, name) for name in STREAMS} for spec in specs]
    training = Training(specs, on_device, place, nets, streams, turns_of(first, place.record), Courses.of(first), now)
    training.carry = moved(stack([initial_carry(first)] * len(specs)), place.device, place.dtype)
    if first.schedule.ema:
        training.average = {name: tensor.clone() for name, tensor in nets["g"].frozen.items()}
    if resume is not None:
        _restore(training, resume)
    return training


def _place_conflict(spec: RunSpec, runs: int, place: Place) -> str | None:
    """Why runs like this can't be trained in this place, or so many together."""
    if spec.arithmetic.precision == "bf16" and place.dtype != torch.float32:
        return f"bf16 products are taken of float32 numbers, and the place has {place.dtype}; use one of the two"
    if spec.arithmetic.memory_format == "channels_last" and runs > 1:
        return "a pack lays out its images in its own way; train runs with channels_last one at a time"
    return None


def on_pack(
    training: Training,
    function: Callable[[Mapping[PlayerName, LossInputs]], Tree],
    batches: Batches,
    moving: frozenset[str] | set[str] = frozenset(),
) -> Tree:
    """`function` of what each player's loss is given, for every run of the pack: (S, ...).

    Gradients reach the parameters of the `moving` networks.
    """
    spec, nets = training.now, training.nets

    def of_run(
        weights: dict[str, Params],
        buffers: dict[str, Params],
        slots: dict[str, dict[str, Slots]],
        carry: Params,
        batches: Batches,
    ) -> Tree:
        players = {name: net.player(weights[name], buffers[name]) for name, net in nets.items()}
        players = {name: computed_in(spec.arithmetic, player) for name, player in players.items()}
        for name, kept in slots.items():
            update = functional_update(spec.optimizer, moved_by(spec.variant, name), kept)
            players[name] = replace(players[name], update=update)
        players["g"] = packed_generator(spec, players["g"], carry)
        players = {name: player if buffers[name] else memoised(player) for name, player in players.items()}
        return function({player: loss_inputs(spec, players, carry, batch) for player, batch in batches.items()})

    weights = {name: net.params if name in moving else net.frozen for name, net in nets.items()}
    buffers = {name: net.buffers for name, net in nets.items()}
    slots = {name: net.slots() for name, net in nets.items()} if spec.variant.unrolls_updates else {}
    return over_pack(of_run, len(training.specs))(weights, buffers, slots, training.carry, batches)


def with_own_buffers(training: Training) -> Training:
    """The pack with copies of its buffers, which a pass of a network in training mode changes, as batch norm does."""
    nets = {name: replace(net, buffers=map_tensors(Tensor.clone, net.buffers)) for name, net in training.nets.items()}
    return replace(training, nets=nets)


def checkpoint(training: Training, run: int) -> Checkpoint:
    """Everything that one run of the pack needs to resume."""
    return {
        "step": training.step,
        "nets": {name: save(net, run) for name, net in training.nets.items()},
        "carry": row(training.carry, run),
        "average": row(training.average, run),
        "streams": {name: generator.get_state() for name, generator in training.streams[run].items()},
    }


def _networks(specs: Sequence[RunSpec], optimizer: Optimizer, data: Data, place: Place) -> dict[str, StackedNetwork]:
    """The networks that the variant plays with, each initialised from its own stream of each seed."""
    first, device = specs[0], torch.device(place.device)
    return {
        name: build(
            Build(make, optimizer, name, moved_by(first.variant, name), device, place.dtype),
            [spec.seed for spec in specs],
        )
        for name, make in blueprints(first, data.space).items()
    }


def _restore(training: Training, checkpoints: Sequence[Checkpoint]) -> None:
    steps = {saved["step"] for saved in checkpoints}
    if len(steps) != 1:
        raise ValueError(f"the checkpoints of a pack must be of one step, not of {sorted(steps)}")
    for name, net in training.nets.items():
        load(net, [saved["nets"][name] for saved in checkpoints])
    carried, averages = [saved["carry"] for saved in checkpoints], [saved["average"] for saved in checkpoints]
    training.carry = {name: torch.stack([each[name] for each in carried]) for name in training.carry}
    training.average = {name: torch.stack([each[name] for each in averages]) for name in training.average}
    for streams, saved in zip(training.streams, checkpoints, strict=True):
        for name, generator in streams.items():
            generator.set_state(saved["streams"][name].cpu())
    training.step = training.reported = steps.pop()
