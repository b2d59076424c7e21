"""Samples that a program holds in memory, or can make: tensors, arrays and generators, checked and brought to rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from ganbench.datasets.base import Split, to_rest
from ganbench.errors import RequestError
from ganbench.rng import stream
from ganbench.samples.sources import SourcedSamples

Generator = Callable[[Tensor], Tensor]  # latents (n, z) -> samples
Array = np.ndarray[Any, np.dtype[Any]]

CHUNK = 512  # samples generated at once
TOLERANCE = 1e-3  # of the range, by which a value may be outside
TENSORS = "images (n, c, h, w) with c 1 or 3, or points (n, d)"
ARRAYS = "images (n, h, w) or (n, h, w, c) with c 1 or 3, or points (n, d)"


@dataclass(frozen=True, kw_only=True)
class Latents:
    """What a generator is fed: n latents (n, z) of the prior N(0, 1) or U(-1, 1), the same ones for the same seed."""

    z: int
    n: int = 10_000
    prior: Literal["normal", "uniform"] = "normal"
    seed: int = 0

    def draw(self) -> Tensor:
        """float32 on the CPU."""
        generator = stream(self.seed, "eval", "latents")
        if self.prior == "normal":
            return torch.randn((self.n, self.z), generator=generator)
        return torch.rand((self.n, self.z), generator=generator).mul_(2).sub_(1)


def generated(generator: Generator, latents: Latents) -> Tensor:
    """The samples that a generator makes, on its device. A module is in evaluation mode for that time."""
    first = next(generator.parameters(), None) if isinstance(generator, nn.Module) else None
    with torch.no_grad(), _evaluating(generator):
        fed = torch.split(latents.draw().to("cpu" if first is None else first.device), CHUNK)
        return torch.cat([generator(part) for part in fed])


@contextmanager
def _evaluating(generator: Generator) -> Iterator[None]:
    training = [module for module in generator.modules() if module.training] if isinstance(generator, nn.Module) else []
    for module in training:
        module.training = False
    try:
        yield
    finally:
        for module in training:
            module.training = True


def in_memory(samples: Tensor | Array, where: str, value_range: tuple[float, float] | None) -> SourcedSamples:
    """Tensors (n, c, h, w), arrays (n, h, w[, c]) or points (n, d), at rest on the CPU.

    uint8 images are in 0..255. Floating-point images need their `value_range`, which becomes 0..255. Raises
    `RequestError` for another shape or type, for values outside the range and for those that are not finite.
    """
    x = samples.detach().cpu() if isinstance(samples, Tensor) else _channels_first(samples, where)
    allowed = TENSORS if isinstance(samples, Tensor) else ARRAYS
    if x.dim() not in (2, 4) or not len(x) or (x.dim() == 4 and x.shape[1] not in (1, 3)):
        raise RequestError(where, f"{x.dtype} of shape {tuple(samples.shape)}", allowed)
    if x.dtype != torch.uint8 and not x.is_floating_point():
        raise RequestError(where, f"{x.dtype}", "uint8 images in 0..255, or floating-point numbers", "convert them")
    if x.dim() == 2:
        return SourcedSamples(where, Split(_finite(x.float(), where)))
    return SourcedSamples(where, Split(x if x.dtype == torch.uint8 else _at_rest(x, where, value_range)))


def _channels_first(samples: Array, where: str) -> Tensor:
    if samples.dtype.kind not in "fu":
        raise RequestError(where, f"an array of {samples.dtype}", "uint8 images in 0..255, or floating-point numbers")
    x = torch.from_numpy(np.ascontiguousarray(samples))
    if x.dim() == 3:
        return x[:, None]
    return x.permute(0, 3, 1, 2).contiguous() if x.dim() == 4 else x


def _at_rest(x: Tensor, where: str, value_range: tuple[float, float] | None) -> Tensor:
    if value_range is None:
        given = f"images of {x.dtype}, whose range is not known"
        raise RequestError(where, given, "uint8 in 0..255, or a value_range", "value_range=(-1, 1) for tanh's")
    low, high = value_range
    if not low < high:
        raise RequestError("value_range", f"({low}, {high})", "the lower bound first")
    slack, (least, most) = TOLERANCE * (high - low), (float(bound) for bound in _finite(x, where).aminmax())
    if least < low - slack or most > high + slack:
        given = f"values in {least:.4g} .. {most:.4g}, outside the range {low} .. {high}"
        raise RequestError(where, given, todo="correct value_range, or clamp the samples")
    return to_rest(x.float(), low, high)


def _finite(x: Tensor, where: str) -> Tensor:
    bad = (~torch.isfinite(x).flatten(1).all(1)).nonzero().flatten()
    if len(bad):
        raise RequestError(where, f"row {int(bad[0])} is not finite ({len(bad)} such rows)", "finite numbers")
    return x
