"""Inner products of samples with many more dimensions than there are samples: computed once, for all evaluators.

Distances, kernels and Gaussians of n samples need only their n^2 inner products, whatever the number of dimensions.
Everything here is float64 and is computed a block of dimensions at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from ganbench.evaluators.base import FeatureName, View
from ganbench.evaluators.parts.distances import Block, blocks, gram
from ganbench.evaluators.parts.protocol import content_key

WIDE = 8  # dimensions for each sample from which on inner products are shared: they then take 1/4 of the features
NUMBERS = 2**22  # of each side in float64 at once (32 MiB)


def are_wide(samples: int, dimensions: int) -> bool:
    """Whether so many samples, of both sides together, have few enough of them to share their inner products."""
    return dimensions >= WIDE * samples


class Within(NamedTuple):
    """Of samples x (n, d) with mean m: (x_i - m).(x_j - m) (n, n), (x_i - m).m (n,), and m.m ()."""

    products: Tensor
    along: Tensor
    mean: Tensor

    @property
    def raw(self) -> Tensor:
        """x_i.x_j (n, n)."""
        return self.products + self.along[:, None] + self.along + self.mean

    @property
    def squares(self) -> Tensor:
        """||x_i - x_j||^2 (n, n)."""
        lengths = self.products.diagonal()
        return (lengths[:, None] + lengths - 2 * self.products).clamp_(min=0).fill_diagonal_(0)


class Across(NamedTuple):
    """Of samples x (n, d) and y (m, d) with c the mean of y.

    (x_i - c).(y_j - c) (n, m), the squared lengths from c (n,) and (m,), and (x_i - c).c (n,).
    """

    products: Tensor
    x: Tensor
    y: Tensor
    along: Tensor

    @property
    def squares(self) -> Tensor:
        """||x_i - y_j||^2 (n, m)."""
        return (self.x[:, None] + self.y - 2 * self.products).clamp_(min=0)


def within(view: View, name: FeatureName) -> Within:
    """The inner products of a set's samples; those of real samples are kept on disk."""
    features = view.features(name)
    return Within(**view.derived(name, "products", lambda: _within(features, view.device)._asdict()))


def across(fake: View, reals: View, name: FeatureName) -> Across:
    """The inner products of samples of two sets, which are computed once."""
    x, y = fake.features(name), reals.features(name)
    what = f"products-{content_key(reals.x)[:16]}"
    return Across(**fake.derived(name, what, lambda: _across(x, y, fake.device)._asdict()))


def blocks_within(view: View, name: FeatureName) -> Iterator[Block]:
    """The squared distances between the samples of a set: `blocks`, or shared."""
    x = view.features(name)
    if not are_wide(2 * len(x), x.shape[1]):
        return blocks(x, x, view.device)
    shared = within(view, name)
    lengths = shared.products.diagonal()
    return iter([Block(slice(0, len(x)), shared.squares, lengths[:, None], lengths)])


def blocks_across(fake: View, reals: View, name: FeatureName) -> Iterator[Block]:
    """The squared distances between the samples of two sets: `blocks`, or shared."""
    x, y = fake.features(name), reals.features(name)
    if not are_wide(len(x) + len(y), x.shape[1]):
        return blocks(x, y, fake.device)
    shared = across(fake, reals, name)
    return iter([Block(slice(0, len(x)), shared.squares, shared.x[:, None], shared.y)])


def coordinates(fake: View, reals: View, name: FeatureName) -> Tensor:
    """Points (n + m, r <= n + m) at the distances of n generated and m real samples, from their principal axes."""
    own, pairs, truth = within(fake, name), across(fake, reals, name), within(reals, name)
    apart = pairs.x.mean() - own.products.diagonal().mean()  # ||m - c||^2 of the two means
    towards = (pairs.x - own.products.diagonal() - apart) / 2  # (x_i - m).(m - c)
    generated = own.products + towards[:, None] + towards + apart
    whole = torch.cat([torch.cat([generated, pairs.products], 1), torch.cat([pairs.products.T, truth.products], 1)])
    values: Tensor
    values, vectors = torch.linalg.eigh(whole)
    kept = values > len(values) * torch.finfo(values.dtype).eps * values[-1]
    points: Tensor = vectors[:, kept] * values[kept].sqrt()
    return points


def products_memory(samples: int) -> int:
    """Bytes that the inner products of so many samples, of both sides together, and one use of them take."""
    return 8 * (4 * samples**2 + 4 * NUMBERS)


def dimension_blocks(d: int, rows: int) -> Iterator[slice]:
    """Slices of d dimensions, each with at most `NUMBERS` numbers of that many rows."""
    size = max(1, NUMBERS // rows)
    return (slice(first, first + size) for first in range(0, d, size))


def _within(x: Tensor, device: str) -> Within:
    n, d = x.shape
    products, along = (torch.zeros(shape, dtype=torch.float64, device=device) for shape in ((n, n), (n,)))
    mean = torch.zeros((), dtype=torch.float64, device=device)
    for columns in dimension_blocks(d, n):
        rows = x[:, columns].to(device, torch.float64)
        centre = rows.mean(0)
        rows = rows - centre
        products += gram(rows)
        along += rows @ centre
        mean += centre @ centre
    return Within(products.cpu(), along.cpu(), mean.cpu())


def _across(x: Tensor, y: Tensor, device: str) -> Across:
    n, m, d = len(x), len(y), x.shape[1]
    shapes = ((n, m), (n,), (m,), (n,))
    products, of_x, of_y, along = (torch.zeros(shape, dtype=torch.float64, device=device) for shape in shapes)
    for columns in dimension_blocks(d, max(n, m)):
        rows, others = (side[:, columns].to(device, torch.float64) for side in (x, y))
        centre = others.mean(0)
        rows, others = rows - centre, others - centre
        products += rows @ others.T
        of_x += torch.linalg.vecdot(rows, rows)
        of_y += torch.linalg.vecdot(others, others)
        along += rows @ centre
    return Across(products.cpu(), of_x.cpu(), of_y.cpu(), along.cpu())
