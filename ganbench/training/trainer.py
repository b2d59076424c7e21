"""Trains a pack of runs and yields snapshots. It logs, saves, evaluates and prints nothing, and names no variant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import isfinite
from typing import Any

import torch
from torch import Tensor

from ganbench.datasets.base import Data
from ganbench.guard.process_state import unchanged_by
from ganbench.optimizers.base import PlayerName
from ganbench.spec import RunSpec, Schedule
from ganbench.training.annealing import Values, as_used, with_values
from ganbench.training.augmented import augmented
from ganbench.training.draws import draw
from ganbench.training.gradients import gradients
from ganbench.training.health import PlayerTerms, due, first_bad, gradient_norms, summary, verdicts
from ganbench.training.inspection import Inspection, PackInspection
from ganbench.training.measures import measure
from ganbench.training.objective import carry_report, is_penalised, next_carry
from ganbench.training.packs import Checkpoint, moved, row
from ganbench.training.players import LossInputs
from ganbench.training.sampling import saved_generator
from ganbench.training.snapshot import Measured, RunSnapshot, Snapshot, Terms
from ganbench.training.state import Batches, Place, Training, checkpoint, on_pack, start, with_own_buffers
from ganbench.variants.base import Batch, Params


@dataclass(frozen=True)
class Turn:
    """What a turn is given."""

    batches: Batches
    carry: Params
    values: Values  # of the options that change during training, in this step


@dataclass(frozen=True)
class Moved:
    """What a turn leaves beside the networks, which it changes in place."""

    terms: PlayerTerms
    carry: Params


def train(
    specs: Sequence[RunSpec],
    data: Data,
    stops: Sequence[int],
    place: Place | None = None,
    resume: Sequence[Checkpoint] | None = None,
) -> Iterator[Snapshot]:
    """Train runs that differ only in their seed; yield a snapshot after each step of `stops` (rising).

    `resume` holds a checkpoint of each run, all of one step: training goes on as if it had never stopped, bit for bit
    on the CPU. A run whose terms or parameters become non-finite is marked as diverged, and the others go on. Training
    ends early when all have diverged. Raises `RequestError` when a user's component changes the state of the process.
    """
    components = tuple(specs[0].components().values())
    with unchanged_by(*components):
        training = start(specs, data, place or Place(), resume)
    inspection = PackInspection(training)
    for stop in stops:
        if stop <= training.step:
            continue
        with unchanged_by(*components):
            while training.step < stop:
                training.step += 1
                _step(training)
            snapshot = _snapshot(training, inspection)
        yield snapshot
        if len(training.diverged) == len(specs):
            return


# --- one step ---


def _step(training: Training) -> None:
    """One step of the schedule. Each turn draws its batches and then moves its players."""
    last: tuple[PlayerName, Batch] | None = None
    values = training.courses.values(training.step, training.place.device, recorded=training.turns.eager is None)
    for movers in _turns(training):
        batches: Batches = {}
        for player in movers:
            batch = _draw(training, player)
            if last is not None and _shares_latents(training.spec.schedule, last[0], player):
                batch = replace(batch, z=last[1].z)
            batches[player] = training.batch = batch
            last = player, batch
        given = Turn(batches, training.carry, values)
        penalised = is_penalised(training.spec, training.step)
        moved_on = training.turns((*movers, penalised), partial(_turn, training, penalised), given)
        training.carry = moved_on.carry
        training.history.append((training.step, moved_on.terms))


def _shares_latents(schedule: Schedule, last: PlayerName, player: PlayerName) -> bool:
    """Whether an update takes the latents of the one before it in the step."""
    return schedule.reuse_z == "step" or (schedule.reuse_z and last != player)


def _turns(training: Training) -> list[list[PlayerName]]:
    """Who moves in this step, in order. The players of one turn move from the same parameters."""
    schedule = training.spec.schedule
    d_moves: list[PlayerName] = ["d"] * (schedule.d_steps or training.spec.variant.d_steps(training.step))
    g_moves: list[PlayerName] = ["g"] * schedule.g_steps
    if schedule.order == "simultaneous":
        return [d_moves + g_moves]
    return [[player] for player in (g_moves + d_moves if schedule.order == "g_first" else d_moves + g_moves)]


def _draw(training: Training, player: PlayerName) -> Batch:
    """All that one update needs beside the networks, stacked over the runs."""
    drawn = draw(training.specs, training.data, training.streams, training.step, player)
    return moved(drawn, training.place.device, training.place.dtype)


def _turn(training: Training, penalised: bool, given: Turn) -> Moved:
    """Differentiate, update, and renew what the variant carries: tensor operations only, so that it can be recorded."""
    training.carry = given.carry
    used = as_used(given.values, training.place.dtype, recorded=training.turns.eager is None)
    training.now = with_values(training.spec, used)
    terms, moves = gradients(training, given.batches, penalised)
    before = training.spec.variant.carries_before
    if before:
        _renew_carry(training, given.batches)
    for player, batch in given.batches.items():
        _update(training, player, moves[player])
        if not before:
            _renew_carry(training, {player: batch})
    return Moved(terms, training.carry)


def _update(training: Training, player: PlayerName, gradients: list[Tensor]) -> None:
    """Move a player's networks, and what follows them: the variant's constraint on D, the average of G."""
    left = iter(gradients)
    for net in training.moving(player).values():
        for param in net.params.values():
            _set_gradient(param, next(left))
        _set_rates(training, net.optimizer, player)
        net.optimizer.step()
    if player == "d":
        training.now.variant.constrain(training.nets["d"].frozen)
    else:
        _renew_average(training)


def _set_gradient(param: Tensor, gradient: Tensor) -> None:
    """Copy a gradient to where the last one lies, so that it is there after a recording too."""
    if param.grad is None:
        param.grad = torch.empty_like(param)
    param.grad.copy_(gradient)


def _set_rates(training: Training, rule: torch.optim.Optimizer, player: PlayerName) -> None:
    """Give a torch optimizer the rates of this step, if any of them changes during training."""
    if "optimizer" in training.courses.options:
        for group in rule.param_groups:
            group.update(training.now.optimizer.rates(player))


def _renew_average(training: Training) -> None:
    decay: Any = training.now.schedule.ema  # a tensor if it changes during training
    share = 1 - decay
    for name, mean in training.average.items():
        weight = share.to(mean.dtype) if isinstance(share, Tensor) else share
        mean.lerp_(training.nets["g"].frozen[name], weight)


def _renew_carry(training: Training, batches: Batches) -> None:
    """Renew what the run carries, for the update of each of these players in turn."""
    for player, batch in batches.items() if training.carry else ():
        renewed = partial(_next_carry, training.now, player)
        with torch.no_grad():
            training.carry = on_pack(training, renewed, {player: batch})


def _next_carry(spec: RunSpec, player: PlayerName, inputs: Mapping[PlayerName, LossInputs]) -> Params:
    return next_carry(spec, player, inputs[player])


# --- snapshots ---


def _snapshot(training: Training, inspection: PackInspection) -> Snapshot:
    """Every run as it is now; starts a new history."""
    means, finite = summary(training.history, training.nets)
    health = _health(training) if due(training.step, training.reported) else {}
    for run in range(len(training.specs)):
        if run not in training.diverged and not finite[run]:
            training.diverged[run] = first_bad(training.history, training.nets, run)
    training.history.clear()
    training.reported = training.step
    groups = {**means, "health": health}
    runs = tuple(_run_snapshot(training, groups, Inspection(inspection, run)) for run in range(len(training.specs)))
    return Snapshot(training.step, runs, training.turns.eager)


def _run_snapshot(training: Training, groups: PlayerTerms, networks: Inspection) -> RunSnapshot:
    run = networks.run
    spec, diverged = training.specs[run], training.diverged.get(run)
    terms = {group: {name: float(values[run]) for name, values in named.items()} for group, named in groups.items()}
    terms["carry"] = {name: float(value) for name, value in carry_report(spec, row(training.carry, run)).items()}
    return RunSnapshot(
        spec,
        training.step,
        {} if diverged else _finite(terms),
        diverged,
        checkpoint=partial(checkpoint, training, run),
        generator=partial(_generator, training, run),
        measures=partial(_measures, training, run),
        networks=networks,
    )


def _finite(terms: Terms) -> Terms:
    """The terms that are finite, in groups that have any."""
    kept = {group: {name: v for name, v in values.items() if isfinite(v)} for group, values in terms.items()}
    return {group: values for group, values in kept.items() if values}


def _health(training: Training) -> Params:
    """The health record, (S,)."""
    assert training.batch is not None, "a health record follows a step"
    variant = training.now.variant
    with torch.no_grad():
        shares = on_pack(
            with_own_buffers(training),
            lambda inputs: verdicts(variant, *augmented(training.spec, inputs["d"])),
            {"d": training.batch},
        )
    return gradient_norms(training.nets) | shares


def _generator(training: Training, run: int) -> Params:
    """G's weights, averaged if the schedule says so, and what the variant carries."""
    weights = training.nets["g"].weights(run) | row(training.average, run)
    return saved_generator(weights, row(training.carry, run))


def _measures(training: Training, run: int) -> dict[str, Measured]:
    weights = {name: net.weights(run) for name, net in training.nets.items()}
    return measure(training.specs[run], training.data, weights, row(training.carry, run), training.step)
