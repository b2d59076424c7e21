"""What evaluators that read the networks of a run in training have in common."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch

from ganbench.errors import RequestError
from ganbench.evaluators.base import Evaluator, FeatureName, Load, Networks, Reference, Score, View
from ganbench.evaluators.parts.protocol import fingerprint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from ganbench.datasets.base import Space
    from ganbench.evaluators.base import Layer

BLOCK = 8  # directions of the power iteration
ROUNDS = 3  # of it; the value is then up to 5 % low for random matrices of 1000 rows, and closer for trained layers


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


def singular_values(matrices: Tensor) -> Tensor:
    """The singular values (..., min(r, c)) of matrices (..., r, c), in float64, the largest first."""
    values: Tensor = torch.linalg.svdvals(matrices.double())
    return values


def spectral_norm(layer: Layer, rng: torch.Generator) -> float:
    """The largest singular value of a layer, of the map itself: a convolution's depends on the size of its input.

    A block power iteration of the map and its adjoint, of which all rounds are kept (the block Krylov method; Musco and
    Musco 2015, arXiv:1504.05477, algorithm 2). The value is at most the true one.
    """
    shape = layer.example.shape[1:]
    rounds = [_orthonormal(torch.randn((min(BLOCK, shape.numel()), *shape), generator=rng).to(layer.example))]
    for _ in range(ROUNDS):
        with torch.enable_grad():
            directions = rounds[-1].requires_grad_()
            energy = layer.apply(directions).square().sum() / 2  # its gradient is the adjoint's image of the image
        (back,) = torch.autograd.grad(energy, directions)
        rounds.append(_orthonormal(back))
    with torch.no_grad():
        images = layer.apply(_orthonormal(torch.cat(rounds)))
    return float(singular_values(images.flatten(1))[0])


def log_norms(layers: Sequence[Layer], rng: torch.Generator) -> Tensor:
    """The natural logarithms of the layers' largest singular values, (layers,), float64."""
    return torch.tensor([spectral_norm(layer, rng) for layer in layers], dtype=torch.float64).log()


def _orthonormal(rows: Tensor) -> Tensor:
    """Orthonormal rows that span the same space as these (n, ...)."""
    q: Tensor = torch.linalg.qr(rows.detach().flatten(1).T).Q
    return q.T.reshape(-1, *rows.shape[1:])
