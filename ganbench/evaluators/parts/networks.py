"""What evaluators that read the networks of a run in training have in common."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ganbench.errors import RequestError
from ganbench.evaluators.base import Evaluator, FeatureName, Load, Networks, Reference, Score, View
from ganbench.evaluators.parts.protocol import fingerprint

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from ganbench.datasets.base import Space


@dataclass(frozen=True, kw_only=True)
class NetworkEvaluator(Evaluator):
    """An evaluator of the networks of a run in training, which asks for no features."""

    reads_networks: ClassVar[bool] = True

    @abstractmethod
    def read(self, networks: Networks, rng: torch.Generator) -> dict[str, Score]:
        """Scores by metric name. A metric without a value for these networks is left out."""

    def needs(self) -> tuple[FeatureName, ...]:
        return ()

    def unsupported(self, space: Space, samples: int, modes: bool) -> str | None:
        return None

    def memory(self, load: Load) -> int:
        return 0  # what training takes is larger, and is over when scores are computed

    def __call__(self, fake: View, real: Reference, rng: torch.Generator) -> dict[str, Score]:
        if fake.networks is None:
            given = "it reads the networks of a run in training, and these are samples"
            raise RequestError(self.notation(), given, todo="name it under `evaluate: with` of a suite")
        return self.read(fake.networks, rng)

    def score(self, value: float, n: int, stderr: float | None = None, **facts: str) -> Score:
        """A score of n latents, samples, layers or batches; `facts` go into its fingerprint."""
        return Score(value, stderr, n, 0, fingerprint(self, statistics="float64", **facts))

    def mean(self, values: Tensor, **facts: str) -> Score:
        """The mean of values (n,), n > 1, with its standard error."""
        numbers = values.double()
        return self.score(numbers.mean().item(), len(values), (numbers.std() / len(values) ** 0.5).item(), **facts)
