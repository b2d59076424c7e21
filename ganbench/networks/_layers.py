"""Layers and initialisations that several networks share. All of them work under `torch.func` transforms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Layer = nn.Linear | nn.Conv2d | nn.ConvTranspose2d
Fill = Callable[[Layer], object]

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "leaky_relu": lambda: nn.LeakyReLU(0.2),
    "softplus": nn.Softplus,
}


class BatchNorm(nn.Module):
    """Batch norm per feature of (n, c) or per channel of (n, c, h, w), with a gain and an offset.

    In training it normalises by the batch and moves the running statistics by `momentum` (TensorFlow's decay 0.9);
    otherwise it normalises by the running statistics. Unlike torch's own it counts no batches: the count would be
    changed in place, which `torch.func.grad` refuses.
    """

    eps = 1e-5
    momentum = 0.1

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(features))
        self.bias = nn.Parameter(torch.zeros(features))
        self.register_buffer("running_mean", torch.zeros(features))
        self.register_buffer("running_var", torch.ones(features))

    def forward(self, x: Tensor) -> Tensor:
        moving = (self.running_mean, self.running_var)
        return F.batch_norm(x, *moving, self.weight, self.bias, self.training, self.momentum, self.eps)


class Maxout(nn.Module):
    """(n, units * pieces) -> (n, units), the largest of its pieces each. Goodfellow et al. 2013, arXiv:1302.4389."""

    def __init__(self, pieces: int) -> None:
        super().__init__()
        self.pieces = pieces

    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(x.shape[0], -1, self.pieces).amax(dim=2)


class Divide(nn.Module):
    """x / divisor."""

    def __init__(self, divisor: float) -> None:
        super().__init__()
        self.divisor = divisor

    def forward(self, x: Tensor) -> Tensor:
        return x / self.divisor


def blank(layer: Callable[..., nn.Module], *sizes: int, **options: Any) -> nn.Module:
    """A layer whose parameters are not yet filled in, so that making it draws no random number."""
    return layer(*sizes, device="meta", **options).to_empty(device="cpu")


def initialise(net: nn.Module, weight: Fill, gain_std: float = 0.0) -> nn.Module:
    """Fill in every parameter: weights by `weight`, biases and offsets 0, batch norm gains N(1, gain_std).

    The gains come last, so a seed gives the same weights with and without batch norm.
    """
    for layer in net.modules():
        if isinstance(layer, Layer):
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
            weight(layer)
    for layer in net.modules():
        if isinstance(layer, BatchNorm) and gain_std:
            nn.init.normal_(layer.weight, mean=1.0, std=gain_std)
    return net


def normal(std: float) -> Fill:
    """Weights N(0, std)."""
    return lambda layer: nn.init.normal_(layer.weight, std=std)


def truncated_normal(std: float) -> Fill:
    """Weights N(0, std) within two standard deviations, as TensorFlow draws them; their own is 0.88 std."""
    return lambda layer: nn.init.trunc_normal_(layer.weight, std=std, a=-2 * std, b=2 * std)


def orthogonal(gain: float) -> Fill:
    """Orthogonal weights, times `gain`."""
    return lambda layer: nn.init.orthogonal_(layer.weight, gain=gain)


def glorot(layer: Layer) -> None:
    """Uniform weights of variance 2 / (inputs + outputs), TensorFlow's default."""
    nn.init.xavier_uniform_(layer.weight)


def he(layer: Layer) -> None:
    """Uniform weights of variance 2 / inputs."""
    nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")


def torch_default(layer: Layer) -> None:
    """Weights and biases as torch draws them: uniform within 1 / sqrt(inputs)."""
    layer.reset_parameters()
