"""The in-domain classifier: a small convolutional network trained once per dataset, on its training split alone.

Training takes about 40 s of one CPU thread for 50,000 images of 28x28, and 5 s for the 8x8 digits. For stacked images
the classifier is trained on the images in their channels.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ganbench.datasets.base import Space, Split
from ganbench.errors import RequestError
from ganbench.evaluators.parts.classifier import RECIPE, fit, floats, trained
from ganbench.evaluators.parts.protocol import content_key
from ganbench.features.cache import Cache, Tensors
from ganbench.features.extractor import Embedding, Extractor


def classifier(space: Space, train: Split, cache: Cache, device: str) -> Extractor:
    """The trained classifier as an extractor: its penultimate layer (n, 128) and its logits (n, classes)."""
    if train.y is None or len(train) == 0:
        raise RequestError(
            "features 'classifier'",
            "the training split has no labels",
            "labelled images",
            "use features: pixels or features: inception",
        )
    single, part = (space, train) if space.stacked == 1 else unstacked(space, train)
    labels = part.y
    assert labels is not None
    key = content_key(RECIPE, str(single), part.x, labels)

    def compute() -> Tensors:
        cache.log(f"training the classifier on {len(part)} images; it is kept for later runs")
        return fit(single, part.x, labels)

    state = cache.get("classifier", key, compute)
    net = trained(single, state).to(device)
    body, head = net[0], net[1]

    def apply(x: Tensor) -> Embedding:
        features = body(floats(x.reshape(-1, *single.shape)))
        return combined(features, head(features), space.stacked)

    weights = content_key(*(item for pair in sorted(state.items()) for item in pair))
    name = f"classifier {RECIPE}" + (f" of each of {space.stacked} stacked images" if space.stacked > 1 else "")
    return Extractor({"extractor": name, "weights": weights, "dtype": "float32"}, apply, device)


def unstacked(space: Space, split: Split) -> tuple[Space, Split]:
    """The distinct images in the channels of stacked ones, with their labels, and their space."""
    assert split.y is not None
    depth, base = space.stacked, round(space.classes ** (1 / space.stacked))
    single = Space((space.shape[0] // depth, *space.shape[1:]), base)
    images, place = torch.unique(split.x.reshape(-1, *single.shape).flatten(1), return_inverse=True, dim=0)
    powers = base ** torch.arange(depth - 1, -1, -1)
    labels = torch.empty(len(images), dtype=torch.int64)
    labels[place] = (split.y[:, None] // powers % base).flatten()
    return single, Split(images.reshape(-1, *single.shape), labels)


def combined(features: Tensor, logits: Tensor, depth: int) -> Embedding:
    """From (n depth, k) and (n depth, c) to (n, depth k) and log-probabilities (n, c^depth) of independent parts."""
    if depth == 1:
        return Embedding(features, logits)
    each = logits.log_softmax(1).reshape(-1, depth, logits.shape[1])
    total = each[:, 0]
    for i in range(1, depth):
        total = (total[:, :, None] + each[:, i, None, :]).flatten(1)
    return Embedding(features.reshape(len(each), -1), total)
