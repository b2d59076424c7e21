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
    features, logits = _Rows(len(x)), _Rows(len(x))
    with torch.no_grad(), torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False):
        for chunk in torch.split(x, batch):
            part = extractor.apply(chunk.to(extractor.device))
            features.append(part.features)
            if part.logits is not None:
                logits.append(part.logits)
    assert features.whole is not None
    return Embedding(features.whole, logits.whole)


@dataclass
class _Rows:
    """A matrix that is filled block by block: joining blocks at the end would take twice its memory."""

    count: int
    whole: Tensor | None = None
    filled: int = 0

    def append(self, rows: Tensor) -> None:
        """Add a block (r, k)."""
        if self.whole is None:
            self.whole = torch.empty(self.count, *rows.shape[1:], dtype=rows.dtype)
        self.whole[self.filled : self.filled + len(rows)] = rows
        self.filled += len(rows)


def _unit(x: Tensor) -> Tensor:
    return x.to(torch.float32).div_(255) if x.dtype == torch.uint8 else x
