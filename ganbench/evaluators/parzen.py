"""The log-likelihood of test data under a Parzen window on generated samples."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ganbench.component import Count
from ganbench.datasets.base import Space
from ganbench.evaluators._protocol import fingerprint, real_view
from ganbench.evaluators.base import Evaluator, FeatureName, Metric, Reference, Score, View

BLOCK = 2**22  # distances in memory at once (32 MiB); changes no number


@dataclass(frozen=True, kw_only=True)
class Parzen(Evaluator):
    """`parzen`: mean log-likelihood of test data, in nats; `parzen_sigma`: the window; `parzen_edge`: 1 at an edge.

    An isotropic Gaussian sits on each generated sample; images are flattened, in [0, 1]. Its sigma is the one of `num`
    values from 10^`start` to 10^`stop` with the largest mean on the first `n_validation` validation samples. `stderr`
    is the population standard deviation over test samples / sqrt(n_test). The paper takes 10,000 generated samples.
    Higher is not always better: the estimate ranks memorised or averaged data above good models (Theis et al. 2016).
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Goodfellow et al. 2014, arXiv:1406.2661, section 5; the authors' parzen_ll.py"

    start: float = -1.0
    stop: float = 0.0
    num: Count = 10
    n_validation: Count = 1000

    def metrics(self) -> tuple[Metric, ...]:
        return (
            Metric("parzen", "higher"),
            Metric("parzen_sigma", "neither", low=0),
            Metric("parzen_edge", "neither", low=0, high=1),
        )

    def needs(self) -> tuple[FeatureName, ...]:
        return ("pixels",)

    def misfit(self, space: Space, samples: int, modes: bool) -> str | None:
        return "needs at least 1 sample" if samples < 1 else None

    def __call__(self, fake: View, real: Reference, rng: torch.Generator) -> dict[str, Score]:
        validation = real_view(real, "validation", None, least=1).first(self.n_validation)
        test = real_view(real, "test", None, least=1)
        centres = fake.features("pixels")
        sigmas = torch.logspace(self.start, self.stop, self.num, dtype=torch.float64)
        best = int(log_likelihood(validation.features("pixels"), centres, sigmas).mean(1).argmax())
        found = log_likelihood(test.features("pixels"), centres, sigmas[best : best + 1])[0]
        stderr = found.std(correction=0).item() / math.sqrt(len(test))
        marks = fingerprint(
            self,
            **fake.extractor("pixels"),
            generated=len(fake),
            validation=len(validation),
            test=len(test),
            likelihoods="float64",
        )
        n = (len(fake), len(test), marks)
        return {
            "parzen": Score(found.mean().item(), stderr, *n),
            "parzen_sigma": Score(sigmas[best].item(), None, *n),
            "parzen_edge": Score(float(best in (0, self.num - 1)), None, *n),
        }


def log_likelihood(x: Tensor, centres: Tensor, sigmas: Tensor) -> Tensor:
    """log p(x), (sigmas, n), of rows x (n, d) under equally weighted Gaussians of width sigma on `centres` (m, d)."""
    m, d = centres.shape
    norm = math.log(m) + d * (sigmas.log() + 0.5 * math.log(2 * math.pi))
    scale = -0.5 / sigmas**2
    parts = [torch.stack([torch.logsumexp(squares * s, 1) for s in scale]) for squares in _square_distances(x, centres)]
    return torch.cat(parts, 1) - norm[:, None]


def _square_distances(x: Tensor, centres: Tensor) -> Iterator[Tensor]:
    """Blocks of ||x - c||^2 in float64, by matrix products around the centres' mean so that little cancels."""
    c = centres.double()
    origin = c.mean(0)
    c = c - origin
    lengths = c.square().sum(1)
    for block in torch.split(x, max(1, BLOCK // len(c))):
        rows = block.double() - origin
        yield (rows.square().sum(1, keepdim=True) + lengths - 2 * (rows @ c.T)).clamp_(min=0)
