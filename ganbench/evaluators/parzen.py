"""The log-likelihood of test data under a Parzen window on generated samples."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ganbench.component import Count
from ganbench.datasets.base import Space, SplitName
from ganbench.evaluators.base import Evaluator, FeatureName, Load, Metric, Reference, Score, View
from ganbench.evaluators.parts.distances import blocks, distances_memory, features_memory
from ganbench.evaluators.parts.protocol import Sizes, fingerprint, on_split, real_view, unsupported_sizes

CACHED = 2**16  # distances whose exponentials each thread computes at once: 0.5 MiB, which a core's cache holds


@dataclass(frozen=True, kw_only=True)
class Parzen(Evaluator):
    """`parzen`: mean log-likelihood of test data, in nats; `parzen_sigma`: the window; `parzen_edge`: 1 at an edge.

    An isotropic Gaussian is centred on each generated sample; images are flattened, in [0, 1]. Its sigma is the one of
    `num` values from 10^`start` to 10^`stop` with the largest mean on the first `n_validation` validation samples
    (None: all). `stderr` is the population standard deviation over test samples / sqrt(n_test). The paper uses 10,000
    generated samples; for the Toronto faces it uses other sigmas, one for each of five `folds`. Both splits are then
    cut into that many consecutive parts; the value is the mean over folds, `stderr` their standard deviation /
    sqrt(folds), `parzen_sigma` the median sigma, and `parzen_edge` is 1 if any sigma is at an edge.
    Higher is not always better: the estimate ranks memorised or averaged data above good models (Theis et al. 2016).
    """

    version: ClassVar[int] = 2
    source: ClassVar[str] = "Goodfellow et al. 2014, arXiv:1406.2661, section 5; the authors' parzen_ll.py"

    start: float = -1.0
    stop: float = 0.0
    num: Count = 10
    n_validation: Count | None = 1000
    validation: SplitName = "validation"
    split: SplitName = "test"
    folds: Count = 1

    def metrics(self) -> tuple[Metric, ...]:
        value, sigma, edge = (on_split(name, self.split) for name in ("parzen", "parzen_sigma", "parzen_edge"))
        diagnostics = Metric(sigma, "neither", low=0), Metric(edge, "neither", low=0, high=1)
        return Metric(value, "higher", unit="nats"), *diagnostics

    def needs(self) -> tuple[FeatureName, ...]:
        return ("pixels",)

    def unsupported(self, space: Space, samples: int, modes: bool) -> str | None:
        return unsupported_sizes(Sizes(1, self.folds), samples)

    def memory(self, load: Load) -> int:
        real = [load.splits.get(name, 0) for name in (self.validation, self.split)]
        sizes, d = (load.generated, *real), load.dimensions
        return features_memory(sizes, d) + distances_memory(sizes[:1], d) + 8 * self.num * max(real)

    def check(self, real: Reference) -> None:
        for split in (self.validation, self.split):
            real_view(real, split, None, least=self.folds)

    def __call__(self, fake: View, real: Reference, rng: torch.Generator) -> dict[str, Score]:
        validation, test = (real_view(real, split, None, self.folds) for split in (self.validation, self.split))
        centres, device = fake.features("pixels"), fake.device
        sigmas = torch.logspace(self.start, self.stop, self.num, dtype=torch.float64)
        parts = [part[: self.n_validation] for part in validation.features("pixels").tensor_split(self.folds)]
        tried = torch.split(log_likelihood(torch.cat(parts), centres, sigmas, device), list(map(len, parts)), 1)
        best = [int(fold.mean(1).argmax()) for fold in tried]
        chosen = sorted(set(best))
        tested = log_likelihood(test.features("pixels"), centres, sigmas[chosen], device).tensor_split(self.folds, 1)
        folds = [fold[chosen.index(index)] for fold, index in zip(tested, best, strict=True)]
        means = torch.stack([fold.mean() for fold in folds])
        spread = means.std() / self.folds**0.5 if self.folds > 1 else folds[0].std(correction=0) / len(test) ** 0.5
        sizes = {"generated": len(fake), "validation": sum(map(len, parts)), "test": len(test)}
        marks = fingerprint(self, **fake.extractor("pixels"), **sizes, likelihoods="float64")
        edge, sigma = not {0, self.num - 1}.isdisjoint(best), sigmas[sorted(best)[len(best) // 2]]
        values = ((means.mean().item(), spread.item()), (sigma.item(), None), (float(edge), None))
        by_metric = zip(self.metrics(), values, strict=True)
        return {metric.name: Score(value, err, len(fake), len(test), marks) for metric, (value, err) in by_metric}


def log_likelihood(x: Tensor, centres: Tensor, sigmas: Tensor, device: str = "cpu") -> Tensor:
    """log p(x), (sigmas, n), of rows x (n, d) under equally weighted Gaussians of width sigma on `centres` (m, d)."""
    m, d = centres.shape
    scales = [-0.5 / sigma**2 for sigma in sigmas.tolist()]
    logs = torch.empty(len(sigmas), len(x), dtype=torch.float64)
    for block in blocks(x, centres, device, most=CACHED * min(d, 16)):
        rows = len(block.squares) if device != "cpu" else max(1, CACHED * torch.get_num_threads() // m)
        parts, own = torch.split(block.squares, rows), torch.split(logs[:, block.rows], rows, 1)
        for part, log in zip(parts, own, strict=True):
            nearest = part.amin(1)  # factored out, so that no sum underflows
            part.sub_(nearest[:, None])
            for row, scale in zip(log, scales, strict=True):
                terms = (part * (scale / math.log(2))).exp2_()  # three times as fast as `exp_`, and as exact
                row.copy_(terms.sum(1).log_().add_(nearest, alpha=scale))
    return logs - (math.log(m) + d * (sigmas.log() + 0.5 * math.log(2 * math.pi)))[:, None]
