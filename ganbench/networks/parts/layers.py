"""Layers and initialisations that several networks share. All of them work under `torch.func` transforms."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganbench.networks.parts.virtual import VirtualBatchNorm

Layer = nn.Linear | nn.Conv2d | nn.ConvTranspose2d
Fill = Callable[[Layer], object]
Norm = Callable[[int], nn.Module]  # a normalisation of so many features or channels

FEATURES = frozenset({"features"})  # the part of a D that shows its last hidden layer (n, k)

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


def layer_norm(channels: int) -> nn.Module:
    """Layer norm over all channels and pixels of a sample, with a gain and an offset per channel.

    What WGAN-GP's discriminators have in the place of batch norm. Ba et al. 2016, arXiv:1607.06450.
    """
    return nn.GroupNorm(1, channels)


# objections that several networks have
ONE_NORM = "layer_norm takes the place of D's batch norm: use batchnorm none or generator"
ONE_G_NORM = "virtual_norm takes the place of G's batch norm: use batchnorm none or discriminator"
SINGLE = "batch norm after a linear layer has no statistics of a batch of 1: use a batch of at least 2"


def norm(*, batch: bool, layer: bool = False, virtual: int = 0) -> Norm | None:
    """The normalisation of a network that is to have batch norm, or layer norm or virtual one in its place, or none."""
    if layer:
        return layer_norm
    if virtual:
        return partial(VirtualBatchNorm, reference=virtual)
    return BatchNorm if batch else None


def activated(activation: nn.Module, channels: int, norm: Norm | None) -> list[nn.Module]:
    """What follows a layer of so many channels: the norm, where there is one, and the activation."""
    return [activation] if norm is None else [norm(channels), activation]


class Discriminator(nn.Sequential):
    """Layers of which the last but one gives the scores (n, 1), and the last flattens them to (n,)."""

    def features(self, x: Tensor) -> Tensor:
        """What the layers before the scores make of x, flattened: (n, k)."""
        for layer in list(self)[:-2]:
            x = layer(x)
        return x.flatten(1)


class Gate(nn.Module):
    """(n, 2c, ...) -> (n, c, ...): sigmoid of the even channels times tanh of the odd ones.

    The gated multiplicative nonlinearity of van den Oord et al. 2016, arXiv:1606.05328, eq. 2.
    """

    def forward(self, x: Tensor) -> Tensor:
        return x[:, ::2].sigmoid() * x[:, 1::2].tanh()


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


class Pool(nn.Module):
    """(n, c, h, w) -> (n, c): the sum or the mean over the pixels."""

    def __init__(self, how: Literal["sum", "mean"]) -> None:
        super().__init__()
        self.how = how

    def forward(self, x: Tensor) -> Tensor:
        return x.sum((2, 3)) if self.how == "sum" else x.mean((2, 3))


def blank(layer: Callable[..., nn.Module], *sizes: int, **options: Any) -> nn.Module:
    """A layer whose parameters are not yet filled in, so that making it draws no random number."""
    return layer(*sizes, device="meta", **options).to_empty(device=torch.get_default_device())


def hidden(
    widths: tuple[int, ...], activation: Callable[[], nn.Module], *, norm: bool, pieces: int = 1
) -> list[nn.Module]:
    """Linear layers between consecutive widths, batch norm where `norm`, activation; `pieces` linear units make one.

    A layer before batch norm has no bias, since the offset takes its place.
    """
    stack: list[nn.Module] = []
    for inputs, units in pairwise(widths):
        stack.append(blank(nn.Linear, inputs, units * pieces, bias=not norm))
        stack += [BatchNorm(units * pieces)] if norm else []
        stack.append(activation())
    return stack


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
        if isinstance(layer, BatchNorm | VirtualBatchNorm) and gain_std:
            nn.init.normal_(layer.weight, mean=1.0, std=gain_std)
    return net


def normal(std: float) -> Fill:
    """Weights N(0, std)."""
    return lambda layer: nn.init.normal_(layer.weight, std=std)


def truncated_normal(std: float) -> Fill:
    """Weights N(0, std) within two standard deviations, as TensorFlow draws them; their own is 0.88 std."""
    return lambda layer: nn.init.trunc_normal_(layer.weight, std=std, a=-2 * std, b=2 * std)


def uniform(bound: float) -> Fill:
    """Weights U(-bound, bound)."""
    return lambda layer: nn.init.uniform_(layer.weight, -bound, bound)


def orthogonal(gain: float) -> Fill:
    """Orthogonal weights, times `gain`."""
    return lambda layer: nn.init.orthogonal_(layer.weight, gain=gain)


def glorot(layer: Layer) -> None:
    """Uniform weights of variance 2 / (inputs + outputs), TensorFlow's default."""
    nn.init.xavier_uniform_(layer.weight)


def he(layer: Layer) -> None:
    """Uniform weights of variance 2 / inputs."""
    nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")


def lsgan(layer: Layer) -> None:
    """As the authors of LSGAN: convolutions from a truncated normal of 0.02, the others from a plain one."""
    fill = truncated_normal(0.02) if isinstance(layer, nn.Conv2d) else normal(0.02)
    fill(layer)


def torch_default(layer: Layer) -> None:
    """Weights and biases as torch draws them: uniform within 1 / sqrt(inputs)."""
    layer.reset_parameters()
