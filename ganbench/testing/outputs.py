"""Checks of what networks give."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from ganbench.datasets.base import Space
from ganbench.networks.base import Network
from ganbench.testing.claim import claim
from ganbench.variants.base import Params, Player


def check_shape(output: object, shape: tuple[int, ...], where: str) -> None:
    """A network's output has this shape: (n, *space.shape) for G, (n,) for D."""
    claim(isinstance(output, Tensor), f"{where} makes a {type(output).__name__}, not a tensor")
    given = tuple(output.shape) if isinstance(output, Tensor) else ()
    cure = "; end its forward pass with `.squeeze(1)`" if given == (*shape, 1) and len(shape) == 1 else ""
    claim(given == shape, f"{where} makes {given}, not {shape}{cure}")


def check_pixels(network: Network, space: Space, x: Tensor, where: str) -> None:
    """What G makes is finite, and images are within the network's range."""
    claim(x.isfinite().all(), f"{where} makes a number that is not finite")
    low, high = network.pixel_range
    inside = not space.is_image or (low <= float(x.min()) and float(x.max()) <= high)
    claim(inside, f"{where} makes pixels outside [{low}, {high}]; end it with `nn.Tanh()`, or declare `pixel_range`")


def scores_checked(d: Player, where: str) -> Player:
    """The same discriminator; every call checks that it gives one score a sample."""

    def apply(params: Params, *inputs: Tensor, part: str = "forward") -> Tensor:
        output = d.apply(params, *inputs, part=part)
        if part == "forward":
            check_shape(output, (len(inputs[0]),), where)
        return output

    return replace(d, apply=apply)
