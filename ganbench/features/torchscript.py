"""A user's own feature extractor: a TorchScript file, identified by the SHA-256 of its bytes."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from ganbench.datasets.parts.files import digest
from ganbench.errors import RequestError
from ganbench.features.extractor import Embedding, Extractor

ALLOWED = "a module saved by torch.jit.save that maps samples, uint8 (n, c, h, w) or floats (n, d), to floats (n, k)"


def torchscript_file(name: str) -> Path:
    """The file. Raises `RequestError` if TorchScript can't read it."""
    path = Path(name)
    if not path.is_file():
        todo = f"correct the path (a relative one starts at {Path.cwd()}), or use features: pixels"
        raise RequestError(f"features {name!r}", "there is no such file", ALLOWED, todo)
    _load(path, "cpu")
    return path


def torchscript(path: Path, device: str) -> Extractor:
    """The module in evaluation mode, applied to samples at rest. It may return a pair: features and class logits."""
    net = _load(path, device).eval()

    def apply(x: Tensor) -> Embedding:
        output = net(x)
        parts = output if isinstance(output, tuple) else (output,)
        shapes = [tuple(part.shape) for part in parts]
        if len(parts) > 2 or any(len(shape) != 2 or shape[0] != len(x) for shape in shapes):
            given = f"it maps {len(x)} samples to {' and '.join(map(str, shapes))}"
            raise RequestError(f"features {str(path)!r}", given, ALLOWED, "flatten its output to one row per sample")
        return Embedding(*(part.float() for part in parts))

    about = {"extractor": path.name, "weights": digest(path), "dtype": "float32"}
    return Extractor(about, apply, device)


def _load(path: Path, device: str) -> nn.Module:
    load: Callable[..., nn.Module] = torch.jit.load
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # torch recommends other formats but still reads this one
            return load(str(path), map_location=device)
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[0]
        todo = "write it with torch.jit.save(torch.jit.script(module), path)"
        raise RequestError(f"features {str(path)!r}", f"TorchScript can't read it ({reason})", ALLOWED, todo) from None
