"""Networks whose Jacobians, norms, scores and gradients are given, for the evaluators that read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ganbench.evaluators.base import DiscriminatorScores, SuccessiveGradients
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

    def spectral_norms(self) -> dict[PlayerName, Tensor]:
        first = self.g.reshape(-1, *self.g.shape[-2:])[0]
        return {player: norms(*matrices) for player, matrices in (("g", (first,)), ("d", self.d))}

    def scores(self, n: int) -> DiscriminatorScores:
        return self.judged

    def gradients(self, n: int) -> Mapping[PlayerName, SuccessiveGradients]:
        return self.pairs


def norms(*matrices: Tensor) -> Tensor:
    return torch.stack([torch.linalg.matrix_norm(matrix.double(), 2) for matrix in matrices])


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
