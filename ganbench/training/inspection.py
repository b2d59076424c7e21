"""The networks of a pack in training, for the evaluators that read them.

What is asked of one run is computed for many runs of the pack at once, and kept until the others are asked.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.func import vmap

from ganbench.datasets.base import to_range
from ganbench.evaluators.base import DiscriminatorScores, SuccessiveGradients
from ganbench.guard.process_state import unchanged_by
from ganbench.rng import STREAMS, stream
from ganbench.training.annealing import at_step
from ganbench.training.augmented import augmented
from ganbench.training.draws import batches_of
from ganbench.training.gradients import successive
from ganbench.training.inputs import packed_samples
from ganbench.training.owners import batch_of_variant
from ganbench.training.packed_layers import by_products
from ganbench.training.packs import Tree, map_tensors, moved, over_pack, program, stack
from ganbench.training.players import LossInputs, blueprints, loss_inputs, memoised, packed_generator
from ganbench.training.sampling import blank, drawn_inputs
from ganbench.training.singular_values import SeenLayers
from ganbench.training.state import Training
from ganbench.variants.base import Batch, Params, Player

if TYPE_CHECKING:
    from ganbench.datasets.base import Space
    from ganbench.optimizers.base import PlayerName
    from ganbench.spec import RunSpec

GRADIENTS = 1024  # of samples, taken at once
NUMBERS = 2**17  # of the samples that are scored at once
SAMPLES = 2  # (packed) ones, in the batch whose pass shows the layers

Programs = Mapping[str, Callable[..., Tensor]]  # the networks of one run, of their tensors and inputs


@dataclass(frozen=True, eq=False)
class PackInspection:
    """What evaluators read of the runs of a pack, at the present step. All tensors have the runs first."""

    training: Training
    newest: dict[str, tuple[object, Any]] = field(default_factory=dict)  # by question: step, n and group; the answer

    def jacobians(self, n: int, runs: slice) -> Tensor:
        """(runs, n, k, z): `Networks.jacobians`."""
        spec, step, data = self.training.spec, self.training.step, self.training.data
        drawn = [
            drawn_inputs(each, data.space, n, stream(each.seed, "jacobians", step), data.train.y)
            for each in self.training.specs[runs]
        ]
        z, y = self._moved(stack([tuple(inputs) for inputs in drawn]))
        weights, carry = self._of(runs)
        g = over_pack(self._plain_programs["g"], len(drawn))
        with torch.no_grad():
            fed = over_pack(spec.variant.g_input, len(drawn))(z, carry)
        at_once = max(1, GRADIENTS // rows_of_jacobian(spec, data.space))
        given = (fed,) if y is None else (fed, y)
        parts = zip(*(each.split(at_once, 1) for each in given), strict=True)
        return torch.cat([_jacobians(partial(g, weights["g"]), *part) for part in parts], 1)

    def scores(self, n: int, runs: slice) -> dict[str, Tensor]:
        """(runs, n) of each kind of samples: `Networks.scores`."""
        programs, specs, variant = self._programs, self.training.specs[runs], self.training.spec.variant
        batches, held_out = self._batches(specs, n, "scores"), self._held_out(specs, n)

        def of_run(
            weights: dict[str, Params], carry: Params, batch: Batch, other: tuple[Tensor, Tensor | None]
        ) -> dict[str, Tensor]:
            players = self._players(programs, weights, carry)
            both = (batch, replace(batch, x=other[0], y=other[1]))  # with the same samples of G, which D scores once
            given = [self._given(players, carry, each) for each in both]
            (train, fake), (test, _) = (variant.scores(each.net, batch_of_variant(each.batch)) for each in given)
            return {"train": train, "held_out": test, "generated": fake}

        with torch.no_grad():
            return over_pack(of_run, len(specs))(*self._of(runs), batches, held_out)

    def spectral_norms(self) -> dict[PlayerName, Tensor]:
        """(S, layers) of each player: `Networks.spectral_norms`."""
        training, step = self.training, self.training.step
        programs = self._plain_programs
        layers: dict[PlayerName, SeenLayers] = {"g": SeenLayers(), "d": SeenLayers()}
        batch = self._batches(training.specs[:1], SAMPLES, "layers")
        shared = map_tensors(lambda tensor: tensor.expand(len(training.specs), *tensor.shape[1:]), batch)

        def weights_of(weights: dict[str, Params], carry: Params, batch: Batch) -> dict[PlayerName, Params]:
            given = self._given(self._players(programs, weights, carry), carry, batch)
            watched = replace(given.net, g=layers["g"].watched(given.net.g), d=layers["d"].watched(given.net.d))
            training.spec.variant.scores(watched, batch_of_variant(given.batch))
            return {player: each.weights for player, each in layers.items()}

        with torch.no_grad():
            weights = over_pack(weights_of, len(training.specs))(*self._of(slice(None)), shared)
            draws = [stream(spec.seed, "directions", step) for spec in training.specs]
            return {player: each.norms(weights[player], draws) for player, each in layers.items()}

    @cached_property
    def _programs(self) -> Programs:
        """The networks in evaluation mode."""
        made = blueprints(self.training.spec, self.training.data.space)
        return {name: program(by_products(blank(make))) for name, make in made.items()}

    @cached_property
    def _plain_programs(self) -> Programs:
        """The same without matrices in place of convolutions."""
        made = blueprints(self.training.spec, self.training.data.space)
        return {name: program(blank(make)) for name, make in made.items()}

    def _players(self, programs: Programs, weights: Mapping[str, Params], carry: Params) -> dict[str, Player]:
        """The networks of one run, as its losses see them."""
        players = {name: Player(programs[name], tensors) for name, tensors in weights.items()}
        players["g"] = packed_generator(self.training.spec, players["g"], carry)
        return {name: memoised(player) for name, player in players.items()}

    def _given(self, players: Mapping[str, Player], carry: Params, batch: Batch) -> LossInputs:
        """What the losses of one run are given, as D sees it."""
        spec = at_step(self.training.spec, self.training.step)
        return augmented(spec, loss_inputs(spec, players, carry, batch))

    def _of(self, runs: slice) -> tuple[dict[str, Params], Params]:
        """Each network's parameters and buffers, and what the variant carries."""
        weights = {name: net.frozen | net.buffers for name, net in self.training.nets.items()}
        return map_tensors(lambda tensor: tensor[runs], (weights, self.training.carry))

    def _moved(self, tree: Tree) -> Tree:
        return moved(tree, self.training.place.device, self.training.place.dtype)

    def _batches(self, specs: Sequence[RunSpec], n: int, name: str) -> Batch:
        """Batches of n (packed) training samples."""
        step, data = self.training.step, self.training.data
        reals = data.draw_each(n * specs[0].network.pac, [stream(spec.seed, "train", step) for spec in specs])
        streams = [dict.fromkeys(STREAMS, stream(spec.seed, name, step)) for spec in specs]
        return self._moved(batches_of(specs, data.space, reals, streams, step))

    def _held_out(self, specs: Sequence[RunSpec], n: int) -> tuple[Tensor, Tensor | None]:
        """n (packed) samples of the test split for each run, in the network's range, and their labels."""
        test, network = self.training.data.test, specs[0].network
        draws = [stream(spec.seed, "held out", self.training.step) for spec in specs]
        index = torch.stack([torch.randint(len(test), (n * network.pac,), generator=each) for each in draws])
        x = to_range(test.x[index.flatten()], *network.pixel_range)
        packed = packed_samples(x, network.pac).unflatten(0, (len(specs), n))
        return self._moved((packed, None if test.y is None else test.y[index]))


@dataclass(frozen=True)
class Question:
    """What is asked of every run: `n` of something. `answer` gives it for a slice of the runs, `size` long."""

    name: str
    n: int
    size: int
    answer: Callable[[slice], Any]


@dataclass(frozen=True, eq=False)
class Inspection:
    """The `Networks` of one run of a pack."""

    pack: PackInspection
    run: int

    def jacobians(self, n: int) -> Tensor:
        rows = rows_of_jacobian(self._training.spec, self._training.data.space)
        question = Question("jacobians", n, GRADIENTS // (n * rows), lambda runs: self.pack.jacobians(n, runs))
        jacobians: Tensor = self._answer(question)
        return jacobians

    def spectral_norms(self) -> dict[PlayerName, Tensor]:
        norms: dict[PlayerName, Tensor] = self._answer(
            Question("spectral norms", 1, len(self._training.specs), lambda runs: self.pack.spectral_norms())
        )
        return norms

    def scores(self, n: int) -> DiscriminatorScores:
        spec, boundary = self._training.spec, self._training.spec.variant.decision_boundary()
        size = NUMBERS // (n * spec.network.pac * math.prod(self._training.data.space.shape))
        scores = self._answer(Question("scores", n, size, lambda runs: self.pack.scores(n, runs)))
        return DiscriminatorScores(**scores, boundary=boundary.at if boundary else None)

    def gradients(self, n: int) -> dict[PlayerName, SuccessiveGradients]:
        pairs: dict[PlayerName, SuccessiveGradients] = self._answer(
            Question("gradients", n, len(self._training.specs), lambda runs: successive(self._training, n))
        )
        return pairs

    @property
    def _training(self) -> Training:
        return self.pack.training

    def _answer(self, question: Question) -> Any:
        """This run's part of the answer for its group of runs, of which the newest is kept."""
        size = max(1, question.size)
        group, place = divmod(self.run, size)
        key, newest = (self._training.step, question.n, group), self.pack.newest
        if question.name not in newest or newest[question.name][0] != key:
            with unchanged_by(*self._training.spec.components().values()):
                newest[question.name] = key, question.answer(slice(group * size, (group + 1) * size))
        return map_tensors(lambda tensor: tensor[place], newest[question.name][1])


def rows_of_jacobian(spec: RunSpec, space: Space) -> int:
    """How many passes a Jacobian takes: one for each row or column, whichever are fewer."""
    return min(math.prod(space.shape), spec.network.latent(space))


def _jacobians(g: Callable[..., Tensor], z: Tensor, *labels: Tensor) -> Tensor:
    """(runs, m, k, z): the derivatives of the k coordinates of samples by the inputs (runs, m, z) of G.

    Row by row or column by column, whichever are fewer. A column is the derivative of a backward pass by its weights:
    what torch loads for its forward mode takes seconds of each process.
    """
    with torch.enable_grad():
        inputs = z.clone().requires_grad_()
        samples = g(inputs, *labels).flatten(2)
        if samples.shape[2] <= z.shape[2]:
            return _rows(samples, inputs)
        weights = torch.zeros_like(samples, requires_grad=True)
        (backward,) = torch.autograd.grad((samples * weights).sum(), inputs, create_graph=True)
        return _rows(backward, weights).mT


def _rows(outputs: Tensor, inputs: Tensor) -> Tensor:
    """(runs, m, r, c): the derivatives of each of the outputs (..., r) by its inputs (..., c), from their pass.

    In evaluation mode no sample depends on the others, so a backward pass gives a row of all m. `vmap` makes all rows
    in one. A hook starts the pass, since what torch loads for `grad_outputs` and `torch.func` takes seconds of each
    process.
    """
    total = outputs.sum()

    def row(start: Tensor) -> Tensor:
        hook = outputs.register_hook(lambda _: start.expand_as(outputs))
        (found,) = torch.autograd.grad(total, inputs, retain_graph=True)
        hook.remove()
        return found

    return vmap(row, out_dims=2)(torch.eye(outputs.shape[2]).to(outputs))
