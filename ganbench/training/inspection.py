"""The networks of one run in training, for the evaluators that read them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.func import vmap
from torch.overrides import TorchFunctionMode

from ganbench.datasets.base import Data, Split
from ganbench.evaluators.base import DiscriminatorScores, Layer, SuccessiveGradients
from ganbench.guard.process_state import unchanged_by
from ganbench.rng import STREAMS, stream
from ganbench.training.augmented import augmented
from ganbench.training.draws import batch_of
from ganbench.training.measures import evaluated
from ganbench.training.owners import batch_of_variant
from ganbench.training.packs import moved, program
from ganbench.training.players import LossInputs, loss_inputs
from ganbench.training.sampling import blank, drawn_inputs
from ganbench.variants.base import Params, Player

if TYPE_CHECKING:
    from ganbench.optimizers.base import PlayerName
    from ganbench.spec import RunSpec

Pairs = Callable[[int], dict["PlayerName", SuccessiveGradients]]
LINEAR: tuple[Any, ...] = (F.linear, F.conv2d, F.conv_transpose2d)  # (input, weight, bias, ...)
GRADIENTS = 1024  # of samples, taken at once
SAMPLES = 2  # (packed) ones, in the batch whose pass shows the layers


@dataclass(frozen=True, eq=False)
class Inspection:
    """The `Networks` of a run after `step`. `pairs`: its successive gradients on n fresh batches."""

    spec: RunSpec
    data: Data
    weights: Mapping[str, Params]  # parameters and buffers of each network
    carry: Params
    step: int
    pairs: Pairs

    def jacobians(self, n: int) -> Tensor:
        spec, space, like = self.spec, self.data.space, next(iter(self.weights["g"].values()))
        inputs = drawn_inputs(spec, space, n, stream(spec.seed, "jacobians", self.step), self.data.train.y)
        with unchanged_by(*spec.components().values()), torch.no_grad():
            g = Player(program(blank(partial(spec.network.generator, space))), self.weights["g"])
            fed = spec.variant.g_input(inputs.z.to(like), self.carry)
            labels = () if inputs.y is None else (inputs.y.to(like.device),)
            at_once = max(1, GRADIENTS // min(fed.shape[1], math.prod(space.shape)))
            parts = zip(*(each.split(at_once) for each in (fed, *labels)), strict=True)
            return torch.cat([_jacobians(g, *part) for part in parts])

    def layers(self) -> dict[PlayerName, tuple[Layer, ...]]:
        g: list[Layer] = []
        d: list[Layer] = []
        with unchanged_by(*self.spec.components().values()), torch.no_grad():
            net, batch = self._given(self._train(SAMPLES), "layers")
            watched = replace(net, g=_watched(net.g, g), d=_watched(net.d, d))
            self.spec.variant.scores(watched, batch_of_variant(batch))
        return {"g": tuple(g), "d": tuple(d)}

    def scores(self, n: int) -> DiscriminatorScores:
        variant, boundary = self.spec.variant, self.spec.variant.decision_boundary()
        with unchanged_by(*self.spec.components().values()), torch.no_grad():
            seen = [self._given(split, "scores") for split in (self._train(n), self._held_out(n))]
            (train, fake), (test, _) = (variant.scores(each.net, batch_of_variant(each.batch)) for each in seen)
        return DiscriminatorScores(train, test, fake, boundary.at if boundary else None)

    def gradients(self, n: int) -> Mapping[PlayerName, SuccessiveGradients]:
        return self.pairs(n)

    @cached_property
    def _nets(self) -> dict[str, Player]:
        return evaluated(self.spec, self.data.space, self.weights, self.carry)

    def _given(self, split: Split, name: str) -> LossInputs:
        """What the losses are given of a batch of these reals, as D sees it."""
        spec, space, like = self.spec, self.data.space, next(iter(self.weights["d"].values()))
        streams = dict.fromkeys(STREAMS, stream(spec.seed, name, self.step))
        batch = moved(batch_of(spec, space, split, streams, self.step), like.device, like.dtype)
        return augmented(spec, loss_inputs(spec, self._nets, self.carry, batch))

    def _train(self, n: int) -> Split:
        return self.data.draw_labelled(n * self.spec.network.pac, stream(self.spec.seed, "train", self.step))

    def _held_out(self, n: int) -> Split:
        test, generator = self.data.test, stream(self.spec.seed, "held out", self.step)
        index = torch.randint(len(test), (n * self.spec.network.pac,), generator=generator)
        return Split(test.x[index], None if test.y is None else test.y[index])


def _jacobians(g: Player, z: Tensor, *label: Tensor) -> Tensor:
    """(m, k, z): the derivatives of the k coordinates of samples by the inputs (m, z) of G.

    Row by row or column by column, whichever are fewer. A column is the derivative of a backward pass by its weights:
    what torch loads for its forward mode takes seconds of each process.
    """
    with torch.enable_grad():
        inputs = z.clone().requires_grad_()
        samples = g(inputs, *label).flatten(1)
        if samples.shape[1] <= z.shape[1]:
            return _rows(samples, inputs)
        weights = torch.zeros_like(samples, requires_grad=True)
        (backward,) = torch.autograd.grad((samples * weights).sum(), inputs, create_graph=True)
        return _rows(backward, weights).mT


def _rows(outputs: Tensor, inputs: Tensor) -> Tensor:
    """(m, r, c): the derivatives of each of the outputs (m, r) by its inputs (m, c), from the one pass that made them.

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

    return vmap(row, out_dims=1)(torch.eye(outputs.shape[1]).to(outputs))


class _Layers(TorchFunctionMode):
    """Notes the linear maps that a pass applies, with the weights that it uses."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Layer] = []

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        named = dict(kwargs or {})
        if func in LINEAR:
            x, weight, *further = args
            unbiased = {**named, "bias": None} if "bias" in named else named
            self.found.append(
                Layer(lambda v: func(v, weight, *(None, *further[1:])[: len(further)], **unbiased), x[:1])
            )
        return func(*args, **named)


def _watched(player: Player, found: list[Layer]) -> Player:
    """The same network, whose first forward pass leaves its layers in `found`."""

    def apply(params: Params, *inputs: Tensor, part: str = "forward") -> Tensor:
        with _Layers() as layers:
            output = player.apply(params, *inputs, part=part)
        if not found and part == "forward":
            found.extend(layers.found)
        return output

    return replace(player, apply=apply)
