"""DINOv2 and CLIP through torch-fidelity, from files in torch's own folder; nothing is downloaded."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ganbench.datasets.parts.files import digest
from ganbench.errors import RequestError
from ganbench.features.extractor import Embedding, Extractor
from ganbench.features.resizing import keys_bicubic, pil_bicubic

HUB = "torch.hub.load('facebookresearch/dinov2', 'dinov2_vitl14')"
CLIP = "40d365715913c9da98579312b702a82c18be219cc2a73407c4526f58eba950af"
CLIP_336 = "3035c92b350959924f9f00213499208652fc7ea050643e8b385c2dac08641f02"
CLIP_URL = "https://openaipublic.azureedge.net/clip/models"
CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)


@dataclass(frozen=True)
class Pretrained:
    """A network by torch-fidelity's name, its preparation of images, the files it needs, and how to get them."""

    network: str
    about: dict[str, str]  # the preparation, for the fingerprint
    places: tuple[str, ...]  # in torch's folder; the last one holds the weights
    todo: str
    sha256: str = ""  # of the weights; empty if it isn't published


PRETRAINED = {
    "dinov2": Pretrained(
        "dinov2-vit-l-14",
        {"resizer": "antialiased bicubic to 224 by PIL, 8 bits"},
        ("facebookresearch_dinov2_main/hubconf.py", "checkpoints/dinov2_vitl14_pretrain.pth"),
        f'fetch them (1.2 GB) with `python -c "import torch; {HUB}"`',
    ),
    "clip": Pretrained(
        "clip-vit-b-32",
        {"resizer": "bilinear, as TensorFlow 1"},
        (f"checkpoints/clip-vit-b-32-{CLIP}.pt",),
        f"fetch it from {CLIP_URL}/{CLIP}/ViT-B-32.pt (354 MB)",
        CLIP,
    ),
    "clip_l14_336": Pretrained(
        "clip-vit-l-14-336px",
        {"resizer": "bicubic to 336, as TensorFlow 2", "scaling": "unit length"},
        (f"checkpoints/clip-vit-l-14-336px-{CLIP_336}.pt",),
        f"fetch it from {CLIP_URL}/{CLIP_336}/ViT-L-14-336px.pt (934 MB)",
        CLIP_336,
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
    """The network's image embedding (n, k), float32; gray images are repeated to 3 channels.

    `dinov2` prepares images as Stein et al. 2023, arXiv:2306.04675; `clip_l14_336` as CMMD, Jayasumana et al. 2024,
    arXiv:2401.09603; `clip` as torch-fidelity.
    """
    weights, wanted = pretrained_weights(name), PRETRAINED[name]
    net = _dinov2(wanted.network) if name == "dinov2" else _clip(wanted.network, weights)
    prepared = {"dinov2": _as_published, "clip": _as_given, "clip_l14_336": _as_cmmd}[name](net.to(device))
    about = {
        "extractor": wanted.network,
        "weights": digest(weights),
        **wanted.about,
        "dtype": "float32",
        "torch-fidelity": version("torch-fidelity"),
    }
    return Extractor(about, lambda x: Embedding(prepared(x)), device)


Embed = Callable[[Tensor], Tensor]


def _as_published(net: Any) -> Embed:
    """The network normalises by ImageNet's statistics; its own resizing leaves images of 224x224 as they are."""
    return lambda x: net(pil_bicubic(x, 224).expand(-1, 3, -1, -1))[0]


def _as_given(net: Any) -> Embed:
    return lambda x: net(x.expand(-1, 3, -1, -1))[0]


def _as_cmmd(net: Any) -> Embed:
    def embed(x: Tensor) -> Tensor:
        mean, std = (x.new_tensor(values, dtype=torch.float32)[:, None, None] for values in (CLIP_MEAN, CLIP_STD))
        images = (keys_bicubic(x, net.resolution) / 255 - mean) / std
        return nn.functional.normalize(net.model.visual(images).float(), dim=1)

    return embed


def _clip(network: str, weights: Path) -> nn.Module:
    from torch_fidelity.feature_extractor_clip import FeatureExtractorCLIP  # takes seconds to import

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # about the archive's format
        net: nn.Module = FeatureExtractorCLIP(network, ["clip"], feature_extractor_weights_path=str(weights))
    return net


def _dinov2(network: str) -> nn.Module:
    from torch_fidelity.feature_extractor_dinov2 import FeatureExtractorDinoV2

    net: nn.Module = FeatureExtractorDinoV2(network, ["dinov2"])
    return net
