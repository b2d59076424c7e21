"""DINOv2 and CLIP through torch-fidelity, from files in torch's own folder; nothing is downloaded."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import torch
from torch import Tensor, nn

from ganbench.datasets.parts.files import digest
from ganbench.errors import RequestError
from ganbench.features.extractor import Embedding, Extractor

HUB = "torch.hub.load('facebookresearch/dinov2', 'dinov2_vitl14')"
CLIP = "40d365715913c9da98579312b702a82c18be219cc2a73407c4526f58eba950af"
CLIP_URL = f"https://openaipublic.azureedge.net/clip/models/{CLIP}/ViT-B-32.pt"


@dataclass(frozen=True)
class Pretrained:
    """A network by torch-fidelity's name, the files it needs in torch's folder, and how to get them."""

    network: str
    places: tuple[str, ...]  # the last one holds the weights
    todo: str
    sha256: str = ""  # of the weights; empty if it isn't published


PRETRAINED = {
    "dinov2": Pretrained(
        "dinov2-vit-l-14",
        ("facebookresearch_dinov2_main/hubconf.py", "checkpoints/dinov2_vitl14_pretrain.pth"),
        f'fetch them (1.2 GB) with `python -c "import torch; {HUB}"`',
    ),
    "clip": Pretrained(
        "clip-vit-b-32",
        (f"checkpoints/clip-vit-b-32-{CLIP}.pt",),
        f"fetch it from {CLIP_URL} (354 MB)",
        CLIP,
    ),
}


def pretrained_weights(name: str) -> Path:
    """The file of the weights. Raises `RequestError` if any of the network's files is missing."""
    wanted, folder = PRETRAINED[name], Path(torch.hub.get_dir())
    paths = [folder / place for place in wanted.places]
    todo = f"{wanted.todo}, or use features: pixels or features: classifier"
    for path in paths:
        if not path.is_file():
            raise RequestError(f"features {name!r}", f"there is no file {path}", "the network's own files", todo)
    if wanted.sha256 and digest(paths[-1]) != wanted.sha256:
        raise RequestError(str(paths[-1]), "not the published weights", f"SHA-256 {wanted.sha256}", todo)
    return paths[-1]


def pretrained(name: str, device: str) -> Extractor:
    """The network's image embedding (n, k), float32; gray images are repeated to 3 channels."""
    weights = pretrained_weights(name)
    net = _network(name, weights).to(device)

    def apply(x: Tensor) -> Embedding:
        return Embedding(*net(x.expand(-1, 3, -1, -1)))

    about = {
        "extractor": PRETRAINED[name].network,
        "weights": digest(weights),
        "resizer": "bilinear, as TensorFlow 1",
        "dtype": "float32",
        "torch-fidelity": version("torch-fidelity"),
    }
    return Extractor(about, apply, device)


def _network(name: str, weights: Path) -> nn.Module:
    network = PRETRAINED[name].network
    if name == "clip":
        from torch_fidelity.feature_extractor_clip import FeatureExtractorCLIP  # takes seconds to import

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # about the archive's format
            clip: nn.Module = FeatureExtractorCLIP(network, [name], feature_extractor_weights_path=str(weights))
        return clip
    from torch_fidelity.feature_extractor_dinov2 import FeatureExtractorDinoV2

    dinov2: nn.Module = FeatureExtractorDinoV2(network, [name])
    return dinov2
