"""LeCun's idx format of unsigned bytes."""

from __future__ import annotations

import gzip

import torch
from torch import Tensor

from ganbench.datasets.base import Split


def read_idx(packed: bytes) -> Tensor:
    """The values in a gzipped file that holds two zero bytes, the type, the rank, the sizes (4 bytes each) and them."""
    body = bytearray(gzip.decompress(packed))
    start = 4 + 4 * body[3]
    sizes = [int.from_bytes(body[at : at + 4], "big") for at in range(4, start, 4)]
    return torch.frombuffer(body, dtype=torch.uint8, offset=start).view(sizes)


def read_pair(images: bytes, labels: bytes) -> Split:
    """The images (n, 1, h, w) and labels in two gzipped files."""
    return Split(read_idx(images)[:, None], read_idx(labels).long())
