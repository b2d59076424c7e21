"""The largest singular values of the layers of a pack's networks, for all runs at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

from ganbench.training.packs import over_pack
from ganbench.training.wiring import Wiring, whole_matrix_of
from ganbench.variants.base import Params, Player

OPTIONS: dict[Any, tuple[str, ...]] = {  # of torch's linear maps, after the input and the weight
    F.linear: ("bias",),
    F.conv2d: ("bias", "stride", "padding", "dilation", "groups"),
    F.conv_transpose2d: ("bias", "stride", "padding", "output_padding", "groups", "dilation"),
}
DEFAULTS = {"stride": 1, "padding": 0, "dilation": 1}
EXACT = 64  # of the smaller side of a matrix: up to here its norm comes from an eigenvalue
BLOCK = 8  # directions of the power iteration
ROUNDS = 3  # of it; the value is then up to 5 % low for random matrices of 1000 rows, and closer for trained layers
NOISE = 1e-6  # of a block's norm: what is left of a direction below it is rounding
NUMBERS = 2**22  # of the directions of several runs, in float64 at once (32 MiB)

ThereAndBack = Callable[[Tensor], tuple[Tensor, Tensor]]  # directions -> their images, the adjoint's images of these


@dataclass(frozen=True)
class Layer:
    """A linear map of inputs (n, *shape), which depends on a weight."""

    apply: Callable[[Tensor, Tensor], Tensor]  # of the weight and inputs
    shape: torch.Size
    matrices: Callable[[Tensor], Tensor] | None  # of weights (S, ...) as (S, r, c), where they are small

    def norms(self, weight: Tensor, draws: Sequence[torch.Generator]) -> Tensor:
        """The largest singular values (S,) with weights (S, ...), in float64, from directions that are drawn."""
        matrices = None if self.matrices is None else self.matrices(weight)
        if matrices is not None and min(matrices.shape[1:]) <= EXACT:
            return _norm(matrices.double())
        sides = self.shape if matrices is None else matrices.shape[2:]
        first = (min(BLOCK, sides.numel()), *sides)
        start = torch.stack([torch.randn(first, generator=generator) for generator in draws]).to(weight)
        if matrices is not None:
            return _largest(lambda x: (images := x @ matrices.mT, images @ matrices), start)
        members = max(1, NUMBERS // ((ROUNDS + 1) * start[0].numel()))
        groups = zip(weight.split(members), start.split(members), strict=True)
        return torch.cat([_largest(partial(self._there_and_back, own), directions) for own, directions in groups])

    def _there_and_back(self, weight: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        with torch.enable_grad():
            directions = x.detach().requires_grad_()
            images = over_pack(self.apply, len(weight))(weight, directions)
            energy = images.square().sum() / 2
        (back,) = torch.autograd.grad(energy, directions)
        return images.detach(), back


@dataclass
class SeenLayers:
    """The linear and convolutional layers that a network applies in its first forward pass, in their order."""

    found: list[Layer] = field(default_factory=list)  # without their bias
    weights: Params = field(default_factory=dict)  # as they enter the product, after any normalisation

    def watched(self, player: Player) -> Player:
        """The same network, whose first forward pass is noted."""

        def apply(params: Params, *inputs: Tensor, part: str = "forward") -> Tensor:
            if self.found or part != "forward":
                return player.apply(params, *inputs, part=part)
            with _Products(self):
                return player.apply(params, *inputs, part=part)

        return replace(player, apply=apply)

    def norms(self, weights: Params, draws: Sequence[torch.Generator]) -> Tensor:
        """The largest singular values (S, layers) of the layers with these weights (S, ...), in float64.

        Of the maps themselves: a convolution's depends on the size of its input. `draws`: of the first directions of
        each run. NaN for a weight that is not finite, which does not reach the other runs.
        """
        pairs = zip(self.found, weights.values(), strict=True)
        norms = [_of_any_size(layer, weight, draws) for layer, weight in pairs]
        return torch.stack(norms, 1) if norms else torch.empty(len(draws), 0, dtype=torch.float64)


class _Products(TorchFunctionMode):
    """Notes the linear maps that a pass applies, with the weights that it uses."""

    def __init__(self, seen: SeenLayers) -> None:
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
        output = func(*args, **named)
        if func in OPTIONS:
            x, weight, *further = args
            options = dict(zip(OPTIONS[func], further, strict=False)) | named | {"bias": None}
            self.seen.weights[str(len(self.seen.found))] = weight
            layer = Layer(
                lambda w, v: func(v, w, **options), x.shape[1:], _matrices(func, options, (x, weight, output))
            )
            self.seen.found.append(layer)
        return output


def _matrices(func: Any, options: Mapping[str, Any], call: Sequence[Tensor]) -> Callable[[Tensor], Tensor] | None:
    """The layer's weights as matrices; None for a convolution that is large, grouped or dilated."""
    x, weight, output = call
    if func is F.linear:
        return lambda weights: weights
    stride, padding, dilation = (_pair(options.get(name, least)) for name, least in DEFAULTS.items())
    large, small = (x, output) if func is F.conv2d else (output, x)
    if options.get("groups", 1) != 1 or padding is None or dilation != (1, 1) or stride is None or x.dim() != 4:
        return None
    outputs, inputs, *kernel = weight.shape
    maps = tuple(large.shape[2:]), tuple(small.shape[2:])
    wiring = Wiring(inputs, outputs, tuple(kernel), stride, padding, *maps)
    return (lambda weights: whole_matrix_of(weights, wiring)) if wiring.suits else None


def _pair(option: Any) -> tuple[int, ...] | None:
    """An option of a convolution for height and width; None for one in words."""
    return None if isinstance(option, str) else (option, option) if isinstance(option, int) else tuple(option)


def _of_any_size(layer: Layer, weight: Tensor, draws: Sequence[torch.Generator]) -> Tensor:
    """(S,), also for the weights of a diverging run, whose squares would overflow; NaN for those that have diverged."""
    size = weight.flatten(1).abs().amax(1)
    sound, sides = size.isfinite(), (-1, *[1] * (weight.dim() - 1))
    size = torch.where(sound & (size > 0), size, 1)
    scaled = torch.where(sound.view(sides), weight / size.view(sides), 0)
    return torch.where(sound, size * layer.norms(scaled, draws), torch.nan).cpu()


def _largest(there_and_back: ThereAndBack, start: Tensor) -> Tensor:
    """(S,): the largest singular values of the maps of several runs, from directions (S, b, *shape).

    A block power iteration of the map and its adjoint, of which all rounds are kept (the block Krylov method; Musco and
    Musco 2015, arXiv:1504.05477, algorithm 2). The value is at most the true one.
    """
    block, images = start.flatten(2).double(), []
    basis = block[:, :0]
    for _ in range(ROUNDS + 1):
        block = _independent(block, basis)
        basis = torch.cat([basis, block], 1)
        image, back = there_and_back(block.view(start.shape).to(start))
        images.append(image.flatten(2).double())
        block = back.flatten(2).double()
    return _norm(torch.cat(images, 1))


def _norm(rows: Tensor) -> Tensor:
    """(S,): the largest singular values of matrices (S, r, c)."""
    short = rows if rows.shape[1] <= rows.shape[2] else rows.mT
    values: Tensor = torch.linalg.eigvalsh(short @ short.mT)[:, -1].clamp(min=0).sqrt()
    return values


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
