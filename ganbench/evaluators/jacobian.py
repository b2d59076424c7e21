"""How well conditioned the generator is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

import torch
from annotated_types import Ge

from ganbench.evaluators.base import Metric
from ganbench.evaluators.parts.networks import NetworkEvaluator, singular_values

if TYPE_CHECKING:
    from ganbench.evaluators.base import Networks, Score

SMALLEST = torch.finfo(torch.float32).eps  # of the largest singular value; below it, rounding decides


@dataclass(frozen=True, kw_only=True)
class Jacobian(NetworkEvaluator):
    """The condition number of M = J'J, J the Jacobian of G at a latent, over `latents` latents.

    `jacobian_log_condition`: the mean of log(largest / smallest eigenvalue of M), in nats; `jacobian_log_condition_sd`:
    its standard deviation over the latents. Where samples have fewer coordinates than latents, J J' stands for J'J,
    whose further eigenvalues are 0. A singular value below 1e-7 of the largest one counts as 1e-7 of it, so that the
    logarithm is 32 at most. Latents at which J is 0 are left out.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Odena et al. 2018, arXiv:1802.08768, section 2.2"

    latents: Annotated[int, Ge(2)] = 16

    def metrics(self) -> tuple[Metric, ...]:
        return (
            Metric("jacobian_log_condition", "lower", low=0, high=32, unit="nats"),
            Metric("jacobian_log_condition_sd", "lower", low=0, high=32, unit="nats"),
        )

    def read(self, networks: Networks, rng: torch.Generator) -> dict[str, Score]:
        values = singular_values(networks.jacobians(self.latents))
        values = values[values[:, 0] > 0]
        if len(values) < 2:
            return {}
        logs = 2 * (values[:, 0] / torch.maximum(values[:, -1], SMALLEST * values[:, 0])).log()
        mean, sd = (metric.name for metric in self.metrics())
        n, stderr = self.latents, (logs.std() / len(logs) ** 0.5).item()  # scores with different n share no column
        return {mean: self.score(logs.mean().item(), n, stderr), sd: self.score(logs.std().item(), n)}
