"""The Inception network of the original papers, through torch-fidelity, from a weights file whose SHA-256 is known."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import torch
from filelock import FileLock
from torch import Tensor

from ganbench.errors import RequestError
from ganbench.features.extractor import Embedding, Extractor

URL = "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/"
FILE = "weights-inception-2015-12-05-6726825d.pth"
SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
TODO = (
    f"set GANBENCH_INCEPTION to the path of {FILE} (95 MB, {URL}{FILE}), or to the word 'download' to let "
    "ganbench fetch it, or use features: pixels or features: classifier"
)


def ready(weights: Path | None, folder: Path, log: Callable[[str], None]) -> Path:
    """The checked weights file; fetched into `folder` only on the word `download`. Raises `RequestError`."""
    if weights is None:
        raise RequestError("features 'inception'", "no weights were given", todo=TODO)
    path = _fetched(folder / FILE, log) if str(weights) == "download" else weights
    if not path.is_file():
        raise RequestError("features 'inception'", f"there is no file {path}", todo=TODO)
    found = _sha256(path)
    if found != SHA256:
        raise RequestError(
            str(path), f"not the weights of the original papers (SHA-256 {found})", f"SHA-256 {SHA256}", TODO
        )
    return path


def inception(weights: Path, device: str) -> Extractor:
    """Pool features (n, 2048) and logits without bias (n, 1008), float32; gray images are repeated to 3 channels."""
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3  # takes seconds

    # torch-fidelity unpickles its weights file freely, so it gets bytes that hold checked tensors only
    safe = io.BytesIO()
    torch.save(torch.load(weights, map_location="cpu", weights_only=True), safe)
    safe.seek(0)
    net = FeatureExtractorInceptionV3(
        "inception-v3-compat", ["2048", "logits_unbiased"], feature_extractor_weights_path=safe
    ).to(device)

    def apply(x: Tensor) -> Embedding:
        return Embedding(*net(x.expand(-1, 3, -1, -1)))

    about = {
        "extractor": "inception-v3-compat",
        "weights": SHA256,
        "resizer": "bilinear to 299, as TensorFlow 1",
        "dtype": "float32",
        "torch-fidelity": version("torch-fidelity"),
    }
    return Extractor(about, apply, device)


def _fetched(path: Path, log: Callable[[str], None]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_suffix(".lock")):
        if not path.is_file():
            log(f"downloading {URL}{FILE} to {path}")
            try:
                torch.hub.download_url_to_file(URL + FILE, str(path), hash_prefix=SHA256, progress=False)
            except (OSError, RuntimeError) as error:
                raise RequestError("features 'inception'", f"the download failed ({error})", todo=TODO) from None
    return path


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
