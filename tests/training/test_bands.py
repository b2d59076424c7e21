"""Products in bands: against whole matrices, with derivatives of any order, by both libraries."""

from __future__ import annotations

import warnings
from functools import partial
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck
from torch.func import jvp, vmap

from ganbench.training import bands as bands_
from ganbench.training import products
from ganbench.training.bands import Band, Bands, to_large, to_small

N, C = 3, 2
KERNELS = products.kernels
WIRED = Bands((Band(0, 2, 2), Band(0, 0, 4), Band(3, 0, 3), Band(6, 0, 0)), large=7, matrix=5)  # overlaps, gaps, edges
PLAIN = Bands.one(4)
CLIPPED = Bands((Band(0, 2, 2),), large=2, matrix=5)  # one band, of a part of the matrix


@pytest.fixture(params=["numpy", "torch"], autouse=True)
def _library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Products by each library."""
    monkeypatch.setattr(products, "kernels", lambda: "SkylakeX" if request.param == "numpy" else None)


def whole(matrix: Tensor, bands: Bands) -> Tensor:
    """The matrix of all bands (p, bands * c), entry by entry."""
    full = matrix.new_zeros(bands.large, len(bands.bands) * matrix.shape[1])
    for at, band in enumerate(bands.bands):
        columns = slice(at * matrix.shape[1], (at + 1) * matrix.shape[1])
        full[band.large : band.large + band.length, columns] = matrix[band.matrix : band.matrix + band.length]
    return full


def operands(bands: Bands, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor, Tensor]:
    """Large vectors, small vectors and a matrix."""
    generator = torch.Generator().manual_seed(0)
    shapes = ((N, bands.large), (N, len(bands.bands) * C), (bands.matrix, C))
    large, small, matrix = (torch.randn(shape, generator=generator, dtype=dtype) for shape in shapes)
    return large, small, matrix


@st.composite
def wirings(draw: st.DrawFn) -> Bands:
    large, matrix = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    made = []
    for _ in range(draw(st.integers(1, 4))):
        length = draw(st.integers(0, min(large, matrix)))
        made.append(Band(draw(st.integers(0, large - length)), draw(st.integers(0, matrix - length)), length))
    return Bands(tuple(made), large, matrix)


@settings(max_examples=60, deadline=None)
@given(bands=wirings())
@pytest.mark.parametrize("by_numpy", [True, False])
def test_each_part_is_that_of_the_whole_matrix(by_numpy: bool, bands: Bands) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(products, "kernels", lambda: "Haswell" if by_numpy else None)
        large, small, matrix = operands(bands)
        leaf = matrix.clone().requires_grad_()
        full = whole(leaf, bands)
        torch.testing.assert_close(to_small(large, matrix, bands), large @ full, rtol=0, atol=1e-12)
        torch.testing.assert_close(to_large(small, matrix, bands), small @ full.T, rtol=0, atol=1e-12)
        (expected,) = torch.autograd.grad((large @ full * small).sum(), leaf)
        made = bands_.product(large, small, "matrix", bands.flat, bands.matrix)
        torch.testing.assert_close(made, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("bands", [WIRED, PLAIN, CLIPPED])
def test_derivatives_of_both_orders(bands: Bands) -> None:
    large, small, matrix = (tensor.requires_grad_() for tensor in operands(bands))
    for call, vectors in ((to_small, large), (to_large, small)):
        assert gradcheck(partial(call, bands=bands), (vectors, matrix))
        assert gradgradcheck(partial(call, bands=bands), (vectors, matrix))


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")  # which torch uses for them
@pytest.mark.parametrize("bands", [WIRED, PLAIN])
def test_derivatives_in_a_direction(bands: Bands) -> None:
    large, _, matrix = operands(bands)
    towards = (torch.ones_like(large), torch.full_like(matrix, 2.0))
    _, change = jvp(partial(to_small, bands=bands), (large, matrix), towards)
    expected = towards[0] @ whole(matrix, bands) + large @ whole(towards[1], bands)
    torch.testing.assert_close(change, expected, rtol=0, atol=1e-12)


def test_runs_of_a_pack_may_share_an_operand() -> None:
    large, _, matrix = operands(WIRED)
    several = torch.stack([large, 2 * large])
    made = vmap(partial(to_small, bands=WIRED), in_dims=(0, None))(several, matrix)
    torch.testing.assert_close(made, several @ whole(matrix, WIRED), rtol=0, atol=1e-12)
    made = vmap(partial(to_small, bands=WIRED), in_dims=(None, 0))(large, torch.stack([matrix, -matrix]))
    torch.testing.assert_close(made[1], -made[0], rtol=0, atol=0)


def test_operands_in_any_order_in_memory() -> None:
    large, _, matrix = operands(PLAIN)
    every_other = torch.stack([matrix, matrix], 2)[..., 0]
    same = large[:1].expand_as(large)
    torch.testing.assert_close(to_small(same, every_other, PLAIN), same @ matrix, rtol=0, atol=1e-12)


def test_numbers_that_are_too_large_become_infinite_without_a_word() -> None:
    large, _, matrix = operands(PLAIN, torch.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert to_small(large.abs() * 1e38, matrix.abs() * 1e38, PLAIN).isinf().all()


def test_half_precision_is_left_to_torch() -> None:
    large, _, matrix = (tensor.bfloat16() for tensor in operands(PLAIN))
    assert products.library(large.device, large.dtype) == "torch"
    assert torch.equal(to_small(large, matrix, PLAIN), large @ matrix)


CPUS = {
    "AMD": ("vendor_id : AuthenticAMD\nflags : fpu avx2", "SkylakeX", "numpy SkylakeX"),
    "AMD, an older kernel": ("vendor_id : AuthenticAMD\nflags : fpu avx2", "Zen", "numpy Zen"),
    "AMD, NumPy with another library": ("vendor_id : AuthenticAMD\nflags : fpu avx2", None, "torch"),
    "Intel": ("vendor_id : GenuineIntel\nflags : fpu avx2 avx512f", "SkylakeX", "torch"),
}


@pytest.mark.parametrize("name", CPUS)
def test_the_library_depends_on_the_cpu(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text, architecture, expected = CPUS[name]
    cpu = tmp_path / "cpuinfo"
    cpu.write_text(text)
    monkeypatch.setattr(products, "CPU", cpu)
    monkeypatch.setattr(products, "threadpool_info", lambda: [{"user_api": "openmp"}, {"architecture": architecture}])
    monkeypatch.setattr(products, "kernels", KERNELS.__wrapped__)
    monkeypatch.setattr(torch.backends.mkl, "is_available", lambda: True)
    cpu_device = torch.device("cpu")
    assert products.library(cpu_device, torch.float32) == expected
    assert products.is_wide(cpu_device, torch.float64) == (expected == "numpy SkylakeX")
    assert (
        products.library(cpu_device, torch.float16) == products.library(torch.device("cuda"), torch.float32) == "torch"
    )
    monkeypatch.setattr(products, "CPU", tmp_path / "absent")
    assert products.library(cpu_device, torch.float32) == "torch"
