"""The inputs of the protocols that are measured: their sizes, features and pixels, and scores through the bank."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ganbench.datasets.base import Data, Space, Split
from ganbench.evaluators.base import Evaluator
from ganbench.features.bank import Real

Numbers = dict[str, float]
Work = Callable[[], Numbers]  # what is measured; its inputs are made before

DIMS = 2048  # of Inception's features


@dataclass(frozen=True)
class Sizes:
    """How much there is of everything, as a share of the protocols' own sizes."""

    scale: float
    folder: Path

    def rows(self, n: int) -> int:
        return max(64, round(n * self.scale))

    def dims(self, d: int) -> int:
        return max(8, round(d * min(1.0, self.scale)))


def cloud(n: int, d: int, seed: int) -> Tensor:
    """Correlated features, float32."""
    generator = torch.Generator().manual_seed(seed)
    mix = torch.randn(d, d, generator=torch.Generator().manual_seed(0)) / d**0.5
    return torch.randn(n, d, generator=generator) @ mix + 0.01 * seed


def pixels(n: int, seed: int) -> Tensor:
    """Smooth random images of 28x28, flattened, in [0, 1]."""
    coarse = torch.rand(n, 1, 7, 7, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.interpolate(coarse, size=28, mode="bilinear").flatten(1)


def data_of(test: Tensor, validation: Tensor | None = None) -> Data:
    splits = [Split(x) for x in (test, test if validation is None else validation, test)]
    return Data(Space((test.shape[1],)), *splits)


def scores(evaluators: list[Evaluator], fake: Tensor, real: Real) -> Numbers:
    """The numbers of evaluators through the bank, as a run has them at a mark."""
    view = real.view(fake)
    streams = ((evaluator, torch.Generator().manual_seed(0)) for evaluator in evaluators)
    return {name: score.value for evaluator, rng in streams for name, score in evaluator(view, real, rng).items()}
