"""Resizing as the published protocols do it, against the programs that define it or their formulas."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torch_fidelity.interpolate_compat_tensorflow import interpolate_bilinear_2d_like_tensorflow1x

from ganbench.features.resizing import keys_bicubic, pil_bicubic, pil_bicubic_float

pytestmark = pytest.mark.golden


def photos(*shape: int) -> torch.Tensor:
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def test_bytes_are_resized_as_whole_images_by_pil() -> None:
    for x in (photos(2, 3, 32, 32), photos(2, 3, 300, 260)):
        for image, got in zip(x, pil_bicubic(x, 64), strict=True):
            whole = Image.fromarray(image.permute(1, 2, 0).numpy()).resize((64, 64), Image.Resampling.BICUBIC)
            assert np.array_equal(got.permute(1, 2, 0).numpy(), np.asarray(whole))


@pytest.mark.parametrize("size", [20, 100])
def test_floats_are_resized_with_antialiasing_and_overshoot(size: int) -> None:
    """torch's antialiased kernel is written independently of PIL's."""
    x = photos(3, 1, size, size)
    wanted = torch.nn.functional.interpolate(x.double(), size=64, mode="bicubic", antialias=True)
    got = pil_bicubic_float(x, 64)
    torch.testing.assert_close(got, wanted.float(), rtol=1e-4, atol=1e-2)
    assert size > 64 or got.min() < 0 or got.max() > 255


def test_keys_bicubic_is_the_antialiased_kernel_where_it_enlarges() -> None:
    x = photos(2, 3, 9, 13)
    wanted = torch.nn.functional.interpolate(x.double(), size=30, mode="bicubic", antialias=True)
    torch.testing.assert_close(keys_bicubic(x, 30), wanted.float(), rtol=1e-4, atol=1e-3)


def test_keys_bicubic_has_no_antialiasing_where_it_shrinks() -> None:
    """At a third of the size each new centre is an old one, so every third pixel remains."""
    x = photos(2, 3, 30, 30)
    torch.testing.assert_close(keys_bicubic(x, 10), x[..., 1::3, 1::3].float(), rtol=1e-5, atol=1e-3)


def test_the_resizing_of_stylegan_and_edm_is_that_of_tensorflow_1() -> None:
    """Their code samples at i w / 299 by an affine grid, which is where TensorFlow 1 samples: `fid` is both."""
    x = photos(2, 3, 32, 48).float()
    (height, width), side = x.shape[2:], 299
    theta = torch.tensor([[1.0, 0.0, 1 / width - 1 / side], [0.0, 1.0, 1 / height - 1 / side]]).repeat(2, 1, 1)
    grid = torch.nn.functional.affine_grid(theta, [2, 3, side, side], align_corners=False)
    theirs = torch.nn.functional.grid_sample(x, grid, "bilinear", "border", align_corners=False)
    ours = interpolate_bilinear_2d_like_tensorflow1x(x, size=(side, side), align_corners=False)
    torch.testing.assert_close(theirs, ours, rtol=1e-4, atol=1e-2)
