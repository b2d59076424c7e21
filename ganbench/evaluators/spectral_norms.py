"""How far the layers of both players stretch their inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ganbench.evaluators.base import Metric
from ganbench.evaluators.parts.networks import NetworkEvaluator

if TYPE_CHECKING:
    import torch

    from ganbench.evaluators.base import Networks, Score

PLAYERS = ("g", "d")


@dataclass(frozen=True, kw_only=True)
class SpectralNorms(NetworkEvaluator):
    """The largest singular values of the layers of G and of D.

    `g_spectral_norm`, `d_spectral_norm`: the largest one of all layers of the player. `g_spectral_log_product`,
    `d_spectral_log_product`: the natural logarithm of the product over its layers, which bounds how fast a chain of
    these layers, and of activations with slopes of at most 1, can change. Layers are linear or convolutional. A
    convolution is taken as the map between images that it is, with its stride and padding, not as a reshaped kernel;
    weights are those after spectral normalisation. Batch norm is not counted, nor is a layer whose product is written
    out in another way, as with weight normalisation. The value of a layer with more than 64 inputs and outputs comes
    from a power iteration and may be up to 5 % low.
    """

    version: ClassVar[int] = 2
    source: ClassVar[str] = "Miyato et al. 2018, arXiv:1802.05957, eq. 7; of the true map: Sedghi et al. 2019, ICLR"

    def metrics(self) -> tuple[Metric, ...]:
        return tuple(
            metric
            for player in PLAYERS
            for metric in (
                Metric(f"{player}_spectral_norm", "lower", low=0),
                Metric(f"{player}_spectral_log_product", "lower", unit="nats"),
            )
        )

    def read(self, networks: Networks, rng: torch.Generator) -> dict[str, Score]:
        scores: dict[str, Score] = {}
        for player, norms in networks.spectral_norms().items():
            if len(norms):
                logs = norms.log()
                scores[f"{player}_spectral_norm"] = self.score(logs.max().exp().item(), len(logs))
                scores[f"{player}_spectral_log_product"] = self.score(logs.sum().item(), len(logs))
        return scores
