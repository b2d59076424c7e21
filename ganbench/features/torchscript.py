"""A user's own feature extractor: a TorchScript file, known by the SHA-256 of its bytes."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from ganbench.errors import RequestError
from ganbench.features.extractor import Embedding, Extractor

ALLOWED = "a module saved by torch.jit.save that maps samples, uint8 (n, c, h, w) or floats (n, d), to floats (n, k)"


def ready(name: str) -> Path:
    """The file, where TorchScript can read it. Raises `RequestError`."""
    path = Path(name)
    if not path.is_file():
        todo = f"give a path that can be found from {Path.cwd()}, or use features: pixels"
        raise RequestError(f"features {name!r}", "there is no such file", ALLOWED, todo)
    _load(path, "cpu")
    return path


def torchscript(path: Path, device: str) -> Extractor:
    """The module in evaluation mode; it gets samples at rest. A pair that it returns is features and class logits."""
    net = _load(path, device).eval()

    def apply(x: Tensor) -> Embedding:
        found = net(x)
        parts = found if isinstance(found, tuple) else (found,)
        shapes = [tuple(part.shape) for part in parts]
        if len(parts) > 2 or any(len(shape) != 2 or shape[0] != len(x) for shape in shapes):
            given = f"it maps {len(x)} samples to {' and '.join(map(str, shapes))}"
            raise RequestError(f"features {str(path)!r}", given, ALLOWED, "flatten its output to one row a sample")
        return Embedding(*(part.float() for part in parts))

    weights = hashlib.sha256(path.read_bytes()).hexdigest()
    return Extractor({"extractor": path.name, "weights": weights, "dtype": "float32"}, apply, device)


def _load(path: Path, device: str) -> nn.Module:
    load: Callable[..., nn.Module] = torch.jit.load
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # torch wants other formats, but still reads this one
            return load(str(path), map_location=device)
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[0]
        todo = "write it with torch.jit.save(torch.jit.script(module), path)"
        raise RequestError(f"features {str(path)!r}", f"TorchScript can't read it ({reason})", ALLOWED, todo) from None
