"""Named random streams of a seed. None depends on the variant, so two variants with seed 3 have the same draws."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Iterator

STREAMS = ("data", "latent", "penalty", "augment")  # the streams that training consumes and a checkpoint keeps


def seed_of(seed: int, *name: object) -> int:
    """A 32-bit seed that depends on every part of the name: `seed_of(3, "eval", 1000)`."""
    text = "/".join(map(str, (seed, *name)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def stream(seed: int, *name: object) -> torch.Generator:
    """A fresh generator for one named stream of one seed."""
    return torch.Generator().manual_seed(seed_of(seed, *name))


@contextmanager
def global_stream(seed: int, *name: object) -> Iterator[Any]:
    """Run a block (module initialisation) with torch's global CPU generator set to a named stream, then restore it."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed_of(seed, *name))
        yield
