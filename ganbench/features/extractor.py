"""The type of feature extractors, the pass that runs one, and the simplest extractor: pixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor


class Embedding(NamedTuple):
    """The output of an extractor: features (n, k) and, if it classifies, logits (n, classes)."""

    features: Tensor
    logits: Tensor | None = None


@dataclass(frozen=True)
class Extractor:
    """A fixed function from samples at rest to features; `about` is its part of the fingerprint."""

    about: dict[str, str]
    apply: Callable[[Tensor], Embedding]
    device: str = "cpu"
    stored: bool = True  # whether its output on real samples is kept on disk


def pixels(image: bool) -> Extractor:
    """Images flattened, in [0, 1], float32; points unchanged."""
    about = {"extractor": "pixels", "range": "0..1 by /255" if image else "as given"}
    return Extractor(about, lambda x: Embedding(_unit(x).flatten(1)), stored=False)


def embed(extractor: Extractor, x: Tensor, batch: int) -> Embedding:
    """One pass over all samples, `batch` at a time. The result is on the CPU and doesn't depend on `batch`."""
    with torch.no_grad(), torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False):
        parts = [extractor.apply(chunk.to(extractor.device)) for chunk in torch.split(x, batch)]
    features = torch.cat([part.features.cpu() for part in parts])
    logits = [part.logits.cpu() for part in parts if part.logits is not None]
    return Embedding(features, torch.cat(logits) if logits else None)


def _unit(x: Tensor) -> Tensor:
    return x.to(torch.float32).div(255) if x.dtype == torch.uint8 else x
