"""Resizing of images as the published protocols do it; each is a part of a protocol and of the fingerprint."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor

KEYS = -0.5  # the coefficient of Keys' cubic in PIL, TensorFlow and torch's antialiased kernels


def pil_bicubic(x: Tensor, side: int) -> Tensor:
    """uint8 (n, c, h, w) to uint8 (n, c, side, side): PIL's antialiased bicubic on 8-bit images, which rounds."""
    return torch.from_numpy(_by_pil(x.cpu().numpy(), side, np.dtype(np.uint8))).to(x.device)


def pil_bicubic_float(x: Tensor, side: int) -> Tensor:
    """uint8 (n, c, h, w) to float32 (n, c, side, side): PIL's antialiased bicubic on floats, not rounded.

    Source: Parmar et al. 2022, arXiv:2104.11222, section 3.
    """
    return torch.from_numpy(_by_pil(x.cpu().numpy(), side, np.dtype(np.float32))).to(x.device)


def keys_bicubic(x: Tensor, side: int) -> Tensor:
    """uint8 or float (n, c, h, w) to float32 (n, c, side, side): bicubic without antialiasing, as TensorFlow 2 resizes.

    Pixels beyond the border have no weight, and the other weights are rescaled to a sum of 1.
    """
    rows, columns = (keys_weights(size, side).to(x.device) for size in x.shape[2:])
    return rows @ x.float() @ columns.T


def keys_weights(size: int, side: int) -> Tensor:
    """The weights (side, size), float32, of Keys' cubic with pixel centres at halves."""
    centres = (torch.arange(side, dtype=torch.float64) + 0.5) * size / side - 0.5
    t = (centres[:, None] - torch.arange(size)).abs()
    near = ((KEYS + 2) * t - (KEYS + 3)) * t**2 + 1
    far = ((t - 5) * t + 8) * t * KEYS - 4 * KEYS
    weights = torch.where(t <= 1, near, torch.where(t < 2, far, 0))
    return (weights / weights.sum(1, keepdim=True)).float()


def _by_pil(x: np.ndarray, side: int, dtype: np.dtype) -> np.ndarray:
    """Each channel of each image by itself, which gives the same as whole RGB images."""
    resized = np.empty((*x.shape[:2], side, side), dtype)
    for index in np.ndindex(*x.shape[:2]):
        resized[index] = Image.fromarray(x[index].astype(dtype)).resize((side, side), Image.Resampling.BICUBIC)
    return resized
