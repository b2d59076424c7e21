"""Whether the gradients of each player turn from update to update."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge
from torch.nn.functional import cosine_similarity

from ganbench.evaluators.base import Metric
from ganbench.evaluators.parts.networks import NetworkEvaluator

if TYPE_CHECKING:
    import torch

    from ganbench.evaluators.base import Networks, Score


@dataclass(frozen=True, kw_only=True)
class GradientCosine(NetworkEvaluator):
    """The cosine of the angle between a player's last gradient and its next one: `g_gradient_cosine` and D's.

    The next gradient is that at the present parameters, with the penalty that the next update has; the mean is over
    `batches` fresh batches, drawn apart from those of training and shared by the players if theirs have one size. 1:
    the players move on in one direction; about 0: the gradients are noise; below 0: they turn back, as around a
    stationary point. A gradient of zero has no direction, and its cosine is 0. Networks that both players move are left
    out.
    """

    version: ClassVar[int] = 2
    source: ClassVar[str] = "Balduzzi et al. 2018, arXiv:1802.05642, on rotating gradients; the cosine is ganbench's"

    batches: Annotated[int, Ge(2)] = 2

    def metrics(self) -> tuple[Metric, ...]:
        return tuple(Metric(f"{player}_gradient_cosine", "higher", low=-1, high=1) for player in ("g", "d"))

    def read(self, networks: Networks, rng: torch.Generator) -> dict[str, Score]:
        return {
            f"{player}_gradient_cosine": self.mean(
                cosine_similarity(found.last.double(), found.following.double(), -1).clamp(-1, 1), networks="training"
            )
            for player, found in networks.gradients(self.batches).items()
        }
