"""The Inception network of the original papers, through torch-fidelity, from a weights file whose SHA-256 is known.

torch is imported late, so that the command line can name the weights without loading it.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ganbench.datasets.parts.files import digest
from ganbench.errors import RequestError
from ganbench.results.files import lock_file

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    from ganbench.features.extractor import Extractor

URL = "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/"
FILE = "weights-inception-2015-12-05-6726825d.pth"
SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
TODO = (
    f"set GANBENCH_INCEPTION to the path of {FILE} (95 MB, {URL}{FILE}), or to the word 'download' to let "
    "ganbench fetch it, or use features: pixels or features: classifier"
)


@dataclass(frozen=True)
class InceptionWeights:
    """Where the weights come from: the user's file, or a download into the cache; with neither there are none."""

    file: Path | None = None
    download: bool = False

    @classmethod
    def named(cls, text: str | None) -> InceptionWeights:
        """From the value of `GANBENCH_INCEPTION`: a path, the word `download`, or nothing."""
        if not text:
            return cls()
        return cls(download=True) if text == "download" else cls(Path(text))

    def checked(self, cache: Path, log: Callable[[str], None]) -> Path:
        """The file of the weights, downloaded if allowed. Raises `RequestError` if it isn't the published file."""
        if self.file is None and not self.download:
            raise RequestError("features 'inception'", "no weights were given", todo=TODO)
        path = self.file or _downloaded(cache / FILE, log)
        if not path.is_file():
            raise RequestError("features 'inception'", f"there is no file {path}", todo=TODO)
        sha256 = digest(path)
        if sha256 != SHA256:
            raise RequestError(
                str(path), f"not the weights of the original papers (SHA-256 {sha256})", f"SHA-256 {SHA256}", TODO
            )
        return path


Resizer = Literal["TensorFlow 1", "clean"]
RESIZERS: dict[Resizer, str] = {
    "TensorFlow 1": "bilinear to 299, as TensorFlow 1",
    "clean": "antialiased bicubic to 299 by PIL, as clean-fid",
}


def inception(weights: Path, device: str, resizer: Resizer = "TensorFlow 1") -> Extractor:
    """Pool features (n, 2048) and logits without bias (n, 1008), float32; gray images are repeated to 3 channels.

    The resizing of TensorFlow 1 is that of the original papers and, by other code, of StyleGAN and EDM.
    """
    from ganbench.features.extractor import Embedding, Extractor
    from ganbench.features.resizing import pil_bicubic_float

    net = _network(weights).to(device)
    body, scores = pool_layers(net), net.fc.weight

    def original(x: Tensor) -> Embedding:
        return Embedding(*net(x.expand(-1, 3, -1, -1)))

    def clean(x: Tensor) -> Embedding:
        features = body((pil_bicubic_float(x, 299).expand(-1, 3, -1, -1) - 128) / 128).flatten(1)
        return Embedding(features, features @ scores.T)

    about = {
        "extractor": "inception-v3-compat",
        "weights": SHA256,
        "resizer": RESIZERS[resizer],
        "dtype": "float32",
        "torch-fidelity": version("torch-fidelity"),
    }
    return Extractor(about, original if resizer == "TensorFlow 1" else clean, device)


def pool_layers(net: FeatureExtractorInceptionV3) -> nn.Sequential:
    """The layers from a scaled image (n, 3, 299, 299) to pool features (n, 2048, 1, 1), in their order."""
    from torch import nn

    return nn.Sequential(*(layer for name, layer in net.named_children() if name != "fc"))


def _network(weights: Path) -> FeatureExtractorInceptionV3:
    import torch
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    # torch-fidelity unpickles its weights file without restriction, so it is given bytes that hold only tensors
    safe = io.BytesIO()
    torch.save(torch.load(weights, map_location="cpu", weights_only=True), safe)
    safe.seek(0)
    layers = ["2048", "logits_unbiased"]
    return FeatureExtractorInceptionV3("inception-v3-compat", layers, feature_extractor_weights_path=safe)


def _downloaded(path: Path, log: Callable[[str], None]) -> Path:
    from torch import hub

    with lock_file(path.with_suffix(".lock")):
        if not path.is_file():
            log(f"downloading {URL}{FILE} to {path}")
            try:
                hub.download_url_to_file(URL + FILE, str(path), hash_prefix=SHA256, progress=False)
            except (OSError, RuntimeError) as error:
                raise RequestError("features 'inception'", f"the download failed ({error})", todo=TODO) from None
    return path
