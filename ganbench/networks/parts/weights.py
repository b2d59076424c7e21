"""Initial weights: rules for the weight of a layer, and `initialise`, which applies one to a network."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from ganbench.networks.parts.normalisation import BatchNorm, VirtualBatchNorm

Layer = nn.Linear | nn.Conv2d | nn.ConvTranspose2d
Fill = Callable[[Layer], object]


def initialise(net: nn.Module, weight: Fill, gain_std: float = 0.0) -> nn.Module:
    """Fill in every parameter: weights by `weight`, biases and offsets 0, batch norm gains N(1, gain_std).

    The gains are drawn last, so that a seed gives the same weights with and without batch norm.
    """
    for layer in net.modules():
        if isinstance(layer, Layer):
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
            weight(layer)
    for layer in net.modules():
        if isinstance(layer, BatchNorm | VirtualBatchNorm) and layer.weight is not None and gain_std:
            nn.init.normal_(layer.weight, mean=1.0, std=gain_std)
    return net


def normal(std: float) -> Fill:
    """Weights N(0, std)."""
    return lambda layer: nn.init.normal_(layer.weight, std=std)


def truncated_normal(std: float) -> Fill:
    """Weights N(0, std) cut off at two standard deviations, as TensorFlow draws them; their deviation is 0.88 std."""
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
    """The rule of LSGAN's authors: convolutions from a truncated normal of 0.02, other layers from a plain one."""
    fill = truncated_normal(0.02) if isinstance(layer, nn.Conv2d) else normal(0.02)
    fill(layer)


def torch_default(layer: Layer) -> None:
    """Weights and biases as torch draws them: uniform within 1 / sqrt(inputs)."""
    layer.reset_parameters()
