"""LPIPS over VGG16 as an embedding, from files in torch's own folder; nothing is downloaded."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn

from ganbench.datasets.parts.files import digest
from ganbench.errors import RequestError
from ganbench.features.extractor import Embedding, Extractor

VGG = "vgg16-397923af.pth"
LINEAR = "weights-vgg16-lpips.pth"
SHA256 = "397923af"  # the first digits for VGG16, as torchvision publishes them
URLS = {
    VGG: f"https://download.pytorch.org/models/{VGG} (528 MB)",
    LINEAR: f"https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/{LINEAR} (10 kB)",
}
SIDE = 64
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
BLOCKS = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))  # channels and convolutions of VGG16
SLICES = (0, 4, 9, 16, 23, 30)  # of VGG16's layers; each ends after an activation that LPIPS compares


def lpips_weights() -> tuple[Path, Path]:
    """The files of VGG16 and of LPIPS's weights for its channels. Raises `RequestError` if one is missing."""
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    for name, url in URLS.items():
        if not (folder / name).is_file():
            todo = f"fetch it from {url}, or leave out lpips_diversity and ppl"
            raise RequestError("features 'lpips'", f"there is no file {folder / name}", "the published weights", todo)
    if not digest(folder / VGG).startswith(SHA256):
        todo = f"fetch it from {URLS[VGG]}"
        raise RequestError(str(folder / VGG), "not the published weights", f"SHA-256 {SHA256}...", todo)
    return folder / VGG, folder / LINEAR


def lpips(device: str) -> Extractor:
    """An embedding (n, 499712), float32, whose squared Euclidean distance is LPIPS at 64x64.

    Images are uint8, or floats in 0..255; gray ones are repeated to 3 channels. Source: Zhang et al. 2018,
    arXiv:1801.03924, eq. 1, with VGG16 (version 0.1); resized as torch-fidelity does for the perceptual path length.
    """
    vgg, linear = lpips_weights()
    layers, state, prefix = _vgg16(), _tensors(vgg), "features."
    layers.load_state_dict({name.removeprefix(prefix): t for name, t in state.items() if name.startswith(prefix)})
    slices = [layers[start:stop].eval().requires_grad_(False).to(device) for start, stop in pairwise(SLICES)]
    scales = [weight.clamp(min=0).sqrt().to(device) for _, weight in sorted(_tensors(linear).items())]

    def apply(x: Tensor) -> Embedding:
        h, parts = _prepared(x), []
        for layer, scale in zip(slices, scales, strict=True):
            h = layer(h)
            part = scale.view(1, -1, 1, 1) * nn.functional.normalize(h, eps=1e-10) / (h.shape[2] * h.shape[3]) ** 0.5
            parts.append(part.flatten(1))
        return Embedding(torch.cat(parts, 1))

    about = {
        "extractor": "lpips-vgg16",
        "weights": f"{digest(vgg)} {digest(linear)}",
        "resizer": f"to {SIDE}: means over areas of larger images, bilinear of smaller ones",
        "dtype": "float32",
    }
    return Extractor(about, apply, device, stored=False)


def _vgg16() -> nn.Sequential:
    """The convolutions of VGG16 with their activations, and the pools between its blocks, by torchvision's numbers."""
    layers: list[nn.Module] = []
    channels = 3
    for width, count in BLOCKS:
        for _ in range(count):
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
            channels = width
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers)


def _prepared(x: Tensor) -> Tensor:
    mean, std = (torch.tensor(values, device=x.device)[:, None, None] for values in (MEAN, STD))
    images = (x.expand(-1, 3, -1, -1).float() / 255 - mean) / std
    if min(x.shape[2:]) > SIDE:
        return nn.functional.interpolate(images, (SIDE, SIDE), mode="area")
    return nn.functional.interpolate(images, (SIDE, SIDE), mode="bilinear", align_corners=False)


def _tensors(path: Path) -> dict[str, Tensor]:
    state: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return state
