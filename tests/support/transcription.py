"""Layers written in NumPy, from their definitions, and how to read a network's parameters into them."""

from __future__ import annotations

import numpy as np
import torch


def size(net):
    return sum(param.numel() for param in net.parameters())


def mixed(net):
    """The network in float64 with every parameter drawn anew, so that no bias or gain hides at 0 or 1."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for param in net.double().parameters():
            param.copy_(torch.randn(param.shape, generator=generator, dtype=torch.float64) * 0.5 + 0.1)
    return net.train()


def arrays(net):
    """The parameters in order, as a queue."""
    return iter([param.detach().numpy() for param in net.parameters()])


def inputs(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def normalised(x, gain, offset, axes):
    """Zero mean and unit variance over the axes, then a gain and an offset for each place of axis 1."""
    mean, variance = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    shape = [-1 if axis == 1 else 1 for axis in range(x.ndim)]
    return gain.reshape(shape) * (x - mean) / np.sqrt(variance + 1e-5) + offset.reshape(shape)


def leaky(x):
    return np.where(x > 0, x, 0.2 * x)


def relu(x):
    return np.maximum(x, 0)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def gated(x):
    """The even channels decide how much of the odd ones passes."""
    return sigmoid(x[:, 0::2]) * np.tanh(x[:, 1::2])


def convolved(x, weight, before, stride=2):
    """out[i, j] = sum of weight[a, b] x[s i + a - before, s j + b - before], for a side divided by s, rounded up."""
    n, _, side, _ = x.shape
    small = -(-side // stride)
    out = np.zeros((n, weight.shape[0], small, small))
    for i, j, a, b in np.ndindex(small, small, *weight.shape[2:]):
        row, column = stride * i + a - before, stride * j + b - before
        if 0 <= row < side and 0 <= column < side:
            out[:, :, i, j] += x[:, :, row, column] @ weight[:, :, a, b].T
    return out


def transposed(x, weight, before, side=None, stride=2):
    """The adjoint: y[s i + a - before, s j + b - before] gets weight[a, b] x[i, j], for the side `side`."""
    n, _, small, _ = x.shape
    side = side or stride * small
    out = np.zeros((n, weight.shape[1], side, side))
    for i, j, a, b in np.ndindex(small, small, *weight.shape[2:]):
        row, column = stride * i + a - before, stride * j + b - before
        if 0 <= row < side and 0 <= column < side:
            out[:, :, row, column] += x[:, :, i, j] @ weight[:, :, a, b]
    return out


def channels(bias):
    return bias.reshape(1, -1, 1, 1)
