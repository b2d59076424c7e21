"""The largest singular values of the layers of a pack's networks, for all runs at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.func import vmap
from torch.overrides import TorchFunctionMode

from ganbench.variants.base import Params, Player

LINEAR: tuple[Any, ...] = (F.linear, F.conv2d, F.conv_transpose2d)  # (input, weight, bias, ...)
EXACT = 128  # of the smaller side of a matrix: up to here its norm comes from an eigenvalue
BLOCK = 8  # directions of the power iteration
ROUNDS = 3  # of it; the value is then up to 5 % low for random matrices of 1000 rows, and closer for trained layers
NOISE = 1e-6  # of a block's norm: what is left of a direction below it is rounding
NUMBERS = 2**22  # of the directions of several runs, in float64 at once (32 MiB)

LinearMap = Callable[[Tensor, Tensor], Tensor]  # of a weight and inputs (n, *shape)


@dataclass
class Layers:
    """The linear and convolutional layers that a network applies in its first forward pass, in their order."""

    maps: list[tuple[Any, LinearMap, torch.Size]] = field(default_factory=list)  # torch's; without bias; inputs' shape
    weights: Params = field(default_factory=dict)  # as they enter the product, after any normalisation

    def watched(self, player: Player) -> Player:
        """The same network, whose first forward pass is noted."""

        def apply(params: Params, *inputs: Tensor, part: str = "forward") -> Tensor:
            if self.maps or part != "forward":
                return player.apply(params, *inputs, part=part)
            with _Products(self):
                return player.apply(params, *inputs, part=part)

        return replace(player, apply=apply)

    def norms(self, weights: Params, draws: Sequence[torch.Generator]) -> Tensor:
        """The largest singular values (S, layers) of the layers with these weights (S, ...), in float64.

        Of the maps themselves: a convolution's depends on the size of its input. `draws`: of the first directions of
        each run. NaN for a weight that is not finite, which does not reach the other runs.
        """
        norms = [self._norms(place, weight, draws) for place, weight in enumerate(weights.values())]
        return torch.stack(norms, 1) if norms else torch.empty(len(draws), 0, dtype=torch.float64)

    def _norms(self, place: int, weight: Tensor, draws: Sequence[torch.Generator]) -> Tensor:
        size = weight.flatten(1).abs().amax(1)  # squares of a diverging run's weights would overflow
        sound = size.isfinite()
        size = torch.where(sound & (size > 0), size, 1)
        scaled = torch.where(_as(sound, weight), weight / _as(size, weight), 0)
        return torch.where(sound, size * self._of_scaled(place, scaled, draws), torch.nan).cpu()

    def _of_scaled(self, place: int, weight: Tensor, draws: Sequence[torch.Generator]) -> Tensor:
        product, function, shape = self.maps[place]
        if product is F.linear and min(weight.shape[1:]) <= EXACT:
            return _norm(weight.double())
        first = (min(BLOCK, shape.numel()), *shape)
        start = torch.stack([torch.randn(first, generator=generator) for generator in draws]).to(weight)
        members = max(1, NUMBERS // ((ROUNDS + 1) * start[0].numel()))
        groups = zip(weight.split(members), start.split(members), strict=True)
        return torch.cat([_largest(function, *group) for group in groups])


class _Products(TorchFunctionMode):
    """Notes the linear maps that a pass applies, with the weights that it uses."""

    def __init__(self, seen: Layers) -> None:
        super().__init__()
        self.seen = seen

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
            self.seen.weights[str(len(self.seen.maps))] = weight
            self.seen.maps.append(
                (func, lambda w, v: func(v, w, *(None, *further[1:])[: len(further)], **unbiased), x.shape[1:])
            )
        return func(*args, **named)


def _largest(function: LinearMap, weight: Tensor, start: Tensor) -> Tensor:
    """(S,): the largest singular values of maps with weights (S, ...), from directions (S, b, *shape).

    A block power iteration of the map and its adjoint, of which all rounds are kept (the block Krylov method; Musco and
    Musco 2015, arXiv:1504.05477, algorithm 2). The value is at most the true one.
    """
    apply = _of_runs(function, weight)
    basis, images = start.new_empty(len(start), 0, start[0, 0].numel(), dtype=torch.float64), []
    block = start.flatten(2).double()
    for last in (*[False] * ROUNDS, True):
        block = _independent(block, basis)
        directions = block.view(start.shape).to(start)
        if last:
            images.append(apply(directions).flatten(2).double())
        else:
            basis = torch.cat([basis, block], 1)
            image, block = _there_and_back(apply, directions)
            images.append(image)
    return _norm(torch.cat(images, 1))


def _norm(rows: Tensor) -> Tensor:
    """(S,): the largest singular values of matrices (S, r, c)."""
    short = rows if rows.shape[1] <= rows.shape[2] else rows.mT
    values: Tensor = torch.linalg.eigvalsh(short @ short.mT)[:, -1].clamp(min=0).sqrt()
    return values


def _of_runs(function: LinearMap, weight: Tensor) -> Callable[[Tensor], Tensor]:
    """The map of each run's weight, of inputs (S, n, *shape)."""
    if len(weight) == 1:
        return lambda x: function(weight[0], x[0]).unsqueeze(0)
    return lambda x: vmap(function)(weight, x)


def _there_and_back(apply: Callable[[Tensor], Tensor], x: Tensor) -> tuple[Tensor, Tensor]:
    """The images of directions (S, b, *shape), and the adjoint's images of these: (S, b, ...) each, in float64."""
    with torch.enable_grad():
        directions = x.detach().requires_grad_()
        images = apply(directions)
        energy = images.square().sum() / 2
    (back,) = torch.autograd.grad(energy, directions)
    return images.detach().flatten(2).double(), back.flatten(2).double()


def _independent(rows: Tensor, basis: Tensor) -> Tensor:
    """What rows (S, b, p) add to the space of an orthonormal basis (S, k, p): orthonormal directions, and zeros.

    From the small Gram matrix, which in float64 is accurate down to `NOISE`.
    """
    least = NOISE**2 * rows.square().sum((1, 2))[:, None]
    rows = rows - rows @ basis.mT @ basis
    values, vectors = torch.linalg.eigh(rows @ rows.mT)
    scale = torch.where(values > least, values.clamp(min=torch.finfo(values.dtype).tiny).rsqrt(), 0)
    directions: Tensor = scale[..., None] * (vectors.mT @ rows)
    return directions


def _as(values: Tensor, weight: Tensor) -> Tensor:
    """Values (S,) with as many dimensions as a weight (S, ...)."""
    return values.view(-1, *[1] * (weight.dim() - 1))
