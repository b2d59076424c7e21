"""How well conditioned the generator is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

import torch
from annotated_types import Ge

from ganbench.evaluators.base import Metric
from ganbench.evaluators.parts.networks import NetworkEvaluator

if TYPE_CHECKING:
    from torch import Tensor

    from ganbench.evaluators.base import Networks, Score

SMALLEST = torch.finfo(torch.float32).eps  # singular value, as a share of the largest; below it, rounding decides


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
        values = _eigenvalues(networks.jacobians(self.latents))
        smallest, largest = values[values[:, -1] > 0][:, [0, -1]].T
        if len(largest) < 2:
            return {}
        logs = (largest / torch.maximum(smallest, SMALLEST**2 * largest)).log()
        mean, sd = (metric.name for metric in self.metrics())
        n, stderr = self.latents, (logs.std() / len(logs) ** 0.5).item()  # scores with different n share no column
        return {mean: self.score(logs.mean().item(), n, stderr), sd: self.score(logs.std().item(), n)}


def _eigenvalues(jacobians: Tensor) -> Tensor:
    """The eigenvalues (n, min(k, z)) of J'J or J J' for each J of (n, k, z), in float64, the smallest first.

    Their rounding is below that of a J in float32, down to the share of `SMALLEST`.
    """
    j = jacobians.double()
    values: Tensor = torch.linalg.eigvalsh(j @ j.mT if j.shape[1] < j.shape[2] else j.mT @ j)
    return values
