"""The in-domain classifier: a small convolutional network trained once per dataset, on its training split alone.

Training takes about 40 s of one CPU thread for 50,000 images of 28x28, and 5 s for the 8x8 digits. The recipe (SGD with
a one-cycle learning rate) was chosen on held-out training images; test images are never used. For stacked images the
classifier is trained on the images in their channels.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from ganbench import rng
from ganbench.datasets.base import Space, Split
from ganbench.errors import RequestError
from ganbench.evaluators.parts.protocol import content_key
from ganbench.features.cache import Cache, Tensors
from ganbench.features.extractor import Embedding, Extractor
from ganbench.optimizers.base import uncompiled

RECIPE = "conv-1"  # to be raised when the network or its training changes
FEATURES = 128
BATCH, EPOCHS, LEAST = 64, 4, 20_000  # at least EPOCHS passes and LEAST images


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
    net = network(single)
    net.load_state_dict(state)
    net.eval().to(memory_format=torch.channels_last).to(device)
    body, head = net[0], net[1]

    def apply(x: Tensor) -> Embedding:
        features = body(_floats(x.reshape(-1, *single.shape)))
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


def network(space: Space) -> nn.Sequential:
    """Body (images in [0, 1] -> (n, 128)) and head (-> class logits), in float32 whatever torch's default is."""
    channels, height, width = space.shape
    f32 = torch.float32
    layers: list[nn.Module] = [nn.BatchNorm2d(channels, affine=False, dtype=f32)]  # normalises the input
    out = 16
    while min(height, width) > 4 or out == 32:
        layers.append(nn.Conv2d(channels, out, 3, padding=1, bias=False, dtype=f32))
        if min(height, width) > 4:
            layers.append(nn.MaxPool2d(2))
            height, width = height // 2, width // 2
        layers += [nn.BatchNorm2d(out, dtype=f32), nn.ReLU()]
        channels, out = out, 2 * out
    linear = nn.Linear(channels * height * width, FEATURES, bias=False, dtype=f32)
    body = nn.Sequential(*layers, nn.Flatten(), linear, nn.BatchNorm1d(FEATURES, dtype=f32), nn.ReLU())
    return nn.Sequential(body, nn.Linear(FEATURES, space.classes, dtype=f32))


def fit(space: Space, x: Tensor, y: Tensor) -> Tensors:
    """The weights after training on one CPU thread: the same for the same data on the same kind of machine."""
    epochs = max(EPOCHS, -(-LEAST // len(x)))
    shuffle = rng.stream(0, RECIPE, "order")
    order = torch.cat([torch.randperm(len(x), generator=shuffle) for _ in range(epochs)])
    batches = order[: len(order) // BATCH * BATCH].view(-1, BATCH)
    with _one_thread(), rng.global_stream(0, RECIPE, "init"), torch.enable_grad():
        net = network(space).to(memory_format=torch.channels_last)
        rule = uncompiled(torch.optim.SGD, net.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)
        rate = torch.optim.lr_scheduler.OneCycleLR(rule, max_lr=0.1, total_steps=len(batches))
        for index in batches:
            loss = nn.functional.cross_entropy(net(_floats(x[index])), y[index])
            rule.zero_grad()
            torch.autograd.backward(loss)
            rule.step()
            rate.step()
    return {name: tensor.contiguous() for name, tensor in net.state_dict().items()}


def _floats(x: Tensor) -> Tensor:
    return x.to(torch.float32, memory_format=torch.channels_last).div(255)


@contextmanager
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
