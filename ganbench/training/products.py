"""Products of matrices on a CPU, by whichever of torch and NumPy is faster there.

torch's library for CPUs, MKL, uses AVX-512 on Intel's CPUs and AVX2 on AMD's. NumPy's, OpenBLAS, uses AVX-512 on
AMD's too where it knows them, and takes about half the time there; on AMD's others it takes a little less. Both compute
in the precision of their arguments.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_info
from torch import Tensor

AVX512 = ("SkylakeX", "Cooperlake", "SapphireRapids")  # OpenBLAS's kernels with these instructions
AVX2 = ("Haswell", "Zen")
CPU = Path("/proc/cpuinfo")  # of Linux
REAL = (torch.float32, torch.float64)  # which NumPy has
FIRST_CORE = 8192  # characters, which describe it

Into = Callable[[Any, Any, Any], object]  # the product of two arrays or tensors, written to a third


def library(device: torch.device, dtype: torch.dtype) -> str:
    """What computes products of such tensors: `torch`, or `numpy` with its kernels, as in `numpy SkylakeX`."""
    return f"numpy {kernels()}" if _numpy_computes(device, dtype) else "torch"


def is_wide(device: torch.device, dtype: torch.dtype) -> bool:
    """Whether NumPy computes such products, with AVX-512."""
    return library(device, dtype).endswith(AVX512)


@cache
def kernels() -> str | None:
    """NumPy's kernels for products, where they are faster than torch's: on AMD's CPUs. None elsewhere."""
    if not torch.backends.mkl.is_available() or not CPU.is_file():
        return None
    with CPU.open(encoding="utf-8", errors="replace") as lines:
        is_amd = "AuthenticAMD" in lines.read(FIRST_CORE)
    loaded = [each.get("architecture") for each in threadpool_info()] if is_amd else []
    return next((each for each in loaded if each in AVX512 + AVX2), None)


def arrays(a: Tensor, b: Tensor, result: Tensor) -> tuple[Into, Any, Any, Any]:
    """A product that writes to its third argument, and the tensors as it takes them, which show the same numbers."""
    if not _numpy_computes(a.device, a.dtype):
        return _by_torch, a, b, result
    return _by_numpy, _ordered(a).numpy(), _ordered(b).numpy(), result.numpy()


def _numpy_computes(device: torch.device, dtype: torch.dtype) -> bool:
    return device.type == "cpu" and dtype in REAL and kernels() is not None


def _by_torch(a: Tensor, b: Tensor, into: Tensor) -> None:
    torch.matmul(a, b, out=into)


def _by_numpy(a: Any, b: Any, into: Any) -> None:
    function = np.multiply if a.shape[-1] == 1 else np.matmul  # which does not use its library for outer products
    function(a, b, out=into)


def _ordered(tensor: Tensor) -> Tensor:
    """In memory as OpenBLAS takes it: whole rows or whole columns."""
    (n, m), (down, across) = tensor.shape[-2:], tensor.stride()[-2:]
    is_ordered = (across == 1 and down >= m) or (down == 1 and across >= n)
    plain = tensor.detach() if tensor.requires_grad else tensor
    return plain if is_ordered else plain.contiguous()
