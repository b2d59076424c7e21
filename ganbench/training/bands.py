"""Products of vectors with a matrix that repeats itself in bands, as that of a convolution does, with derivatives.

A convolution connects each row of its smaller map with a band of rows of its larger map, by the same matrix, whose
first and last rows are left out at the edges. With vectors `large` (n, p) and `small` (n, bands * c), and `matrix`
(k, c), each of the three is the derivative of the sum over all bands of `large_band @ matrix_band * small_band` by
itself. So derivatives of any order are such products again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.overrides import wrap_torch_function

from ganbench.training.products import Into, arrays

Part = Literal["large", "small", "matrix"]
PARTS: tuple[Part, ...] = ("large", "small", "matrix")


class Band(NamedTuple):
    """Numbers of a large vector that lie one after the other, and as many rows of the matrix: where both start."""

    large: int
    matrix: int
    length: int

    @property
    def in_large(self) -> slice:
        """The band's place in a large vector."""
        return slice(self.large, self.large + self.length)

    @property
    def in_matrix(self) -> slice:
        """The band's place in the matrix."""
        return slice(self.matrix, self.matrix + self.length)


@dataclass(frozen=True)
class Bands:
    """The bands, one for each part of the small vector, and the lengths of the large vector and of the matrix."""

    bands: tuple[Band, ...]
    large: int
    matrix: int

    @classmethod
    def one(cls, length: int) -> Bands:
        """A plain product."""
        return cls((Band(0, 0, length),), length, length)

    @cached_property
    def flat(self) -> list[int]:
        """The numbers of all bands in a row."""
        return [number for band in self.bands for number in band]


def _operands(vectors: Tensor, matrix: Tensor, bands: Bands) -> tuple[Tensor, Tensor]:
    return vectors, matrix


is_seen = wrap_torch_function(_operands)  # by torch's modes, as torch's own products are: one makes them bfloat16


@is_seen
def to_large(vectors: Tensor, matrix: Tensor, bands: Bands) -> Tensor:
    """(n, bands * c), (k, c) -> (n, p): small vectors to large ones, as a transposed convolution does."""
    made: Tensor = _Product.apply(vectors, matrix, "large", bands)
    return made


@is_seen
def to_small(vectors: Tensor, matrix: Tensor, bands: Bands) -> Tensor:
    """(n, p), (k, c) -> (n, bands * c): large vectors to small ones, as a convolution does."""
    made: Tensor = _Product.apply(vectors, matrix, "small", bands)
    return made


@np.errstate(all="ignore")  # torch does not warn of infinite numbers either; the loss of a run shows them
def product(a: Tensor, b: Tensor, made: Part, bands: Sequence[int], size: int) -> Tensor:
    """One part from the two others, in the order of `PARTS`, without derivatives; each may have leading dimensions.

    `bands`: the three numbers of each band, in a row. `size`: of the matrix or, to make large vectors, of them.
    """
    if [0, 0, size] == bands and size == (b.shape[-2] if made == "large" else a.shape[-1]):  # no parts to look for
        return _plain(a.mT if made == "matrix" else a, b.mT if made == "large" else b)
    return MAKERS[made](a, b, _bands(*bands), size)


@cache
def _bands(*flat: int) -> list[Band]:
    return [Band(*flat[at : at + 3]) for at in range(0, len(flat), 3)]


def _plain(a: Tensor, b: Tensor) -> Tensor:
    result = a.new_empty(*a.shape[:-1], b.shape[-1])
    into, *operands = arrays(a, b, result)
    into(*operands)
    return result


def _small(large: Tensor, matrix: Tensor, bands: Sequence[Band], size: int) -> Tensor:
    c = matrix.shape[-1]
    result = large.new_empty(*large.shape[:-1], c * len(bands))
    into, x, m, y = arrays(large, matrix, result)
    for at, band in enumerate(bands):
        into(x[..., band.in_large], m[..., band.in_matrix, :], y[..., at * c : (at + 1) * c])
    return result


def _large(small: Tensor, matrix: Tensor, bands: Sequence[Band], size: int) -> Tensor:
    c = matrix.shape[-1]
    result = small.new_empty(*small.shape[:-1], size)
    into, y, m, x = arrays(small, matrix, result)
    pairs = ((y[..., at * c : (at + 1) * c], m[..., band.in_matrix, :].mT) for at, band in enumerate(bands))
    _add_up(x, -1, into, [Term(band.large, *pair) for band, pair in zip(bands, pairs, strict=True)])
    return result


def _matrix(large: Tensor, small: Tensor, bands: Sequence[Band], size: int) -> Tensor:
    c = small.shape[-1] // len(bands)
    result = large.new_empty(*large.shape[:-2], size, c)
    into, x, y, m = arrays(large, small, result)
    pairs = ((x[..., band.in_large].mT, y[..., at * c : (at + 1) * c]) for at, band in enumerate(bands))
    _add_up(m, -2, into, [Term(band.matrix, *pair) for band, pair in zip(bands, pairs, strict=True)])
    return result


MAKERS = {"large": _large, "small": _small, "matrix": _matrix}


class Term(NamedTuple):
    """A product of two arrays, for the rows or columns of a sum from `start` on."""

    start: int
    a: Any
    b: Any


def _add_up(total: Any, axis: Literal[-1, -2], into: Into, terms: Sequence[Term]) -> None:
    """Write the sum of the terms; where there are none, 0."""
    end = 0  # of what is written
    for term in sorted(terms, key=lambda term: term.start):
        length = term.b.shape[-1] if axis == -1 else term.a.shape[-2]
        if term.start >= end:
            _cut(total, axis, end, term.start)[...] = 0
            into(term.a, term.b, _cut(total, axis, term.start, term.start + length))
        else:
            made, known = term.a @ term.b, min(end - term.start, length)
            _cut(total, axis, term.start, term.start + known)[...] += _cut(made, axis, 0, known)
            _cut(total, axis, end, term.start + length)[...] = _cut(made, axis, known, length)
        end = max(end, term.start + length)
    _cut(total, axis, end, total.shape[axis])[...] = 0


def _cut(array: Any, axis: Literal[-1, -2], start: int, end: int) -> Any:
    """The columns, or the rows, from start to end."""
    return array[..., start : max(start, end)] if axis == -1 else array[..., start : max(start, end), :]


# An operation of torch, since a tape holds no others. Its arguments after the tensors tell which product it is.
LIBRARY = torch.library.Library("ganbench", "DEF")
LIBRARY.define("product(Tensor a, Tensor b, str made, int[] bands, int size) -> Tensor")
LIBRARY.impl("product", product, "CompositeExplicitAutograd")
PRODUCT = torch.ops.ganbench.product.default


class _Product(torch.autograd.Function):
    """`product`, with derivatives; a, b and the result have the same leading dimensions."""

    @staticmethod
    def forward(a: Tensor, b: Tensor, made: Part, bands: Bands) -> Tensor:
        result: Tensor = PRODUCT(a, b, made, bands.flat, bands.large if made == "large" else bands.matrix)
        return result

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, Part, Bands], output: Tensor) -> None:
        a, b, ctx.made, ctx.bands = inputs
        ctx.save_for_backward(a, b)
        ctx.save_for_forward(a, b)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        given = [part for part in PARTS if part != ctx.made]
        parts = dict(zip(given, ctx.saved_tensors, strict=True)) | {ctx.made: gradient}
        gradients = [
            _Product.apply(*(parts[other] for other in PARTS if other != part), part, ctx.bands) if needed else None
            for part, needed in zip(given, ctx.needs_input_grad, strict=False)
        ]
        return gradients[0], gradients[1], None, None

    @staticmethod
    def jvp(ctx: Any, of_a: Tensor | None, of_b: Tensor | None, *_: None) -> Tensor:
        a, b = ctx.saved_tensors
        terms = [
            _Product.apply(*pair, ctx.made, ctx.bands)
            for pair in ((of_a, b), (a, of_b))
            if pair[0] is not None and pair[1] is not None
        ]
        total: Tensor = sum(terms[1:], terms[0])
        return total

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None, ...], a: Tensor, b: Tensor, *how: Any) -> tuple[Tensor, int]:
        pairs = zip((a, b), in_dims[:2], strict=True)
        stacked = [t.expand(info.batch_size, *t.shape) if at is None else t.movedim(at, 0) for t, at in pairs]
        return _Product.apply(*stacked, *how), 0
