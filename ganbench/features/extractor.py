"""What a feature extractor is, how it is run, and the simplest one: pixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from ganbench.evaluators.base import Moments
from ganbench.evaluators.parts.distances import gram


class Embedding(NamedTuple):
    """What one pass gives: features (n, k) and, where the extractor classifies, logits (n, classes)."""

    features: Tensor
    logits: Tensor | None = None


@dataclass(frozen=True)
class Extractor:
    """A frozen function from samples at rest to features; `about` is its part of the fingerprint."""

    about: dict[str, str]
    apply: Callable[[Tensor], Embedding]
    device: str = "cpu"
    stored: bool = True  # whether its output is worth a file


def pixels(image: bool) -> Extractor:
    """Images flattened, in [0, 1], float32; points as they are."""
    about = {"extractor": "pixels", "range": "0..1 by /255" if image else "as given"}
    return Extractor(about, lambda x: Embedding(_unit(x).flatten(1)), stored=False)


def embed(extractor: Extractor, x: Tensor, batch: int) -> Embedding:
    """One pass over all samples, `batch` at a time; the result rests on the CPU and doesn't depend on `batch`."""
    with torch.no_grad(), torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False):
        parts = [extractor.apply(chunk.to(extractor.device)) for chunk in torch.split(x, batch)]
    features = torch.cat([part.features.cpu() for part in parts])
    logits = [part.logits.cpu() for part in parts if part.logits is not None]
    return Embedding(features, torch.cat(logits) if logits else None)


def moments(features: Tensor) -> Moments:
    """Mean and covariance (n - 1), accumulated in float64 a block of rows at a time."""
    n, blocks = len(features), torch.split(features, 4096)
    mean = torch.stack([block.double().sum(0) for block in blocks]).sum(0) / n
    cov = torch.zeros(features.shape[1], features.shape[1], dtype=torch.float64)
    for block in blocks:
        centred = block.double() - mean
        cov += gram(centred.T)
    return Moments(mean, cov / (n - 1))


def _unit(x: Tensor) -> Tensor:
    return x.to(torch.float32).div(255) if x.dtype == torch.uint8 else x
