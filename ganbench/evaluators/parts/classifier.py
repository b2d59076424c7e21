"""The small convolutional classifier: its network, and how it is trained, on real images or on generated ones.

The recipe (SGD with a one-cycle learning rate) was chosen on held-out training images; test images are never used.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from ganbench import rng
from ganbench.datasets.base import Space
from ganbench.optimizers.base import uncompiled

RECIPE = "conv-1"  # to be raised when the network or its training changes
FEATURES = 128
BATCH, EPOCHS, LEAST = 64, 4, 20_000  # at least EPOCHS passes and LEAST images
LEAST_BATCHES = 10


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


def trained(space: Space, weights: dict[str, Tensor]) -> nn.Sequential:
    """The network with these weights, in evaluation mode. Making it does not move torch's global generator."""
    with rng.global_stream(0, RECIPE, "init"):
        net = network(space)
    net.load_state_dict(weights)
    return net.eval().to(memory_format=torch.channels_last)


def fit(space: Space, x: Tensor, y: Tensor, least: int | None = None) -> dict[str, Tensor]:
    """The weights after training on one CPU thread: the same for the same data on the same kind of machine.

    x: uint8 images (n, *space.shape) with labels y (n,). Training sees `least` images (None: 20,000) or more, in 4
    passes or more.
    """
    epochs = max(EPOCHS, -(-max(least or LEAST, LEAST_BATCHES * BATCH) // len(x)))
    shuffle = rng.stream(0, RECIPE, "order")
    order = torch.cat([torch.randperm(len(x), generator=shuffle) for _ in range(epochs)])
    batches = order[: len(order) // BATCH * BATCH].view(-1, BATCH)
    with _one_thread(), rng.global_stream(0, RECIPE, "init"), torch.enable_grad():
        net = network(space).to(memory_format=torch.channels_last)
        rule = uncompiled(torch.optim.SGD, net.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)
        rate = torch.optim.lr_scheduler.OneCycleLR(rule, max_lr=0.1, total_steps=len(batches))
        for index in batches:
            loss = nn.functional.cross_entropy(net(floats(x[index])), y[index])
            rule.zero_grad()
            torch.autograd.backward(loss)
            rule.step()
            rate.step()
    return {name: tensor.contiguous() for name, tensor in net.state_dict().items()}


def floats(x: Tensor) -> Tensor:
    """uint8 images as the network takes them."""
    return x.to(torch.float32, memory_format=torch.channels_last).div(255)


@contextmanager
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
