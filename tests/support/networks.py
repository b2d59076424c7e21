"""Networks whose Jacobians, layers, scores and gradients are given, for the evaluators that read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.functional import linear

from ganbench.evaluators.base import DiscriminatorScores, Layer, SuccessiveGradients
from ganbench.rng import stream

if TYPE_CHECKING:
    from ganbench.optimizers.base import PlayerName


def normal(*shape: int, name: str = "given") -> Tensor:
    return torch.randn(shape, generator=stream(0, name))


@dataclass(frozen=True)
class GivenNetworks:
    """A `Networks` of linear players: G is z -> z G' and D has the layers `d`. Every draw is a row of what is given."""

    g: Tensor  # (k, z), or (n, k, z) for one of each latent
    d: tuple[Tensor, ...]  # matrices
    judged: DiscriminatorScores
    pairs: Mapping[PlayerName, SuccessiveGradients]

    def jacobians(self, n: int) -> Tensor:
        return (self.g if self.g.dim() == 3 else self.g.expand(n, -1, -1))[:n]

    def layers(self) -> dict[PlayerName, tuple[Layer, ...]]:
        last = self.g.reshape(-1, *self.g.shape[-2:])[0]
        return {"g": (matrix_layer(last),), "d": tuple(map(matrix_layer, self.d))}

    def scores(self, n: int) -> DiscriminatorScores:
        return self.judged

    def gradients(self, n: int) -> Mapping[PlayerName, SuccessiveGradients]:
        return self.pairs


def matrix_layer(weight: Tensor) -> Layer:
    return Layer(lambda x: linear(x, weight), torch.zeros(1, weight.shape[1]))


def sound_networks() -> GivenNetworks:
    """Well-conditioned networks, D without overfitting, and gradients that move on."""
    g = torch.linalg.qr(normal(6, 3, name="g")).Q + torch.zeros(16, 1, 1)
    judged = DiscriminatorScores(normal(50, name="a"), normal(50, name="b"), normal(50, name="c") - 2, 0.0)
    ahead = SuccessiveGradients(torch.ones(9), torch.ones(2, 9) + 0.1 * normal(2, 9))
    return GivenNetworks(g, (torch.eye(4),), judged, {"g": ahead, "d": ahead})


def unsound_networks() -> GivenNetworks:
    """The opposite in every way."""
    scales = torch.logspace(0, 2, 16)[:, None, None]
    stretched = torch.cat([scales * torch.ones(16, 1, 1), torch.ones(16, 1, 2)], 2).diag_embed()[:, 0]
    judged = DiscriminatorScores(normal(50, name="a").abs() + 5, normal(50, name="b"), normal(50, name="c") - 2, 0.0)
    back = SuccessiveGradients(torch.ones(9), -torch.ones(2, 9))
    return GivenNetworks(7 * stretched, (3 * torch.eye(4), 5 * torch.eye(4)), judged, {"g": back, "d": back})
