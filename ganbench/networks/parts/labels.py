"""Networks that take labels, and how they refuse data without any. All work under `torch.func` transforms."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganbench.networks.parts.layers import uninitialised
from ganbench.networks.parts.normalisation import BatchNorm, Norm
from ganbench.networks.parts.spaces import described

if TYPE_CHECKING:
    from ganbench.datasets.base import Space


class TakesLabels(nn.Module):
    """A layer whose `forward` takes the labels (n,) after its input."""


class Layers(nn.Sequential):
    """Layers in a row; those that take labels get them."""

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        for layer in self:
            x = layer(x, y) if isinstance(layer, TakesLabels) else layer(x)
        return x


class LabelEmbedding(nn.Linear):
    """One-hot labels (n, classes) -> (n, k). `spectral` leaves it alone, as BigGAN's authors do."""


class ConditionalBatchNorm(TakesLabels):
    """Batch norm whose gains and offsets (classes, features) are those of each sample's class.

    The statistics are those of the whole batch, of all classes. Dumoulin et al. 2017, arXiv:1610.07629, eq. 5, as used
    by Miyato and Koyama 2018, arXiv:1802.05637, section 5.
    """

    eps = BatchNorm.eps
    momentum = BatchNorm.momentum

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        self.gains = nn.Parameter(torch.ones(classes, features))
        self.offsets = nn.Parameter(torch.zeros(classes, features))
        self.register_buffer("running_mean", torch.zeros(features))
        self.register_buffer("running_var", torch.ones(features))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """x (n, features, ...) and labels y (n,) -> (n, features, ...)."""
        running = (self.running_mean, self.running_var)
        normal = F.batch_norm(x, *running, None, None, self.training, self.momentum, self.eps)
        code = one_hot(y, len(self.gains), like=x)
        shape = (*x.shape[:2], *(1 for _ in x.shape[2:]))
        made: Tensor = (code @ self.gains).reshape(shape) * normal + (code @ self.offsets).reshape(shape)
        return made


def conditional_norm(classes: int) -> Norm:
    """Batch norm with gains and offsets of each of so many classes."""
    return partial(ConditionalBatchNorm, classes=classes)


class ConditionalStages(nn.Module):
    """Stages, each of which takes its input and the label's code; `plain` comes before them, without the code.

    The code is the one-hot label (n, classes), or a linear map of it to `width` numbers without an activation.
    """

    def __init__(self, classes: int, stages: Sequence[nn.Module], *, width: int = 0, plain: nn.Module | None = None):
        super().__init__()
        self.classes = classes
        self.code = uninitialised(nn.Linear, classes, width) if width else nn.Identity()
        self.plain = nn.Identity() if plain is None else plain
        self.stages = nn.ModuleList(stages)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """x (n, ...) and labels y (n,) -> the output of the last stage."""
        return self._through(list(self.stages), x, y)

    def features(self, x: Tensor, y: Tensor) -> Tensor:
        """x (n, ...) and labels y (n,) -> the input of the last stage without the code, flattened: (n, k)."""
        return self._through(list(self.stages)[:-1], x, y).flatten(1)

    def _through(self, stages: Sequence[nn.Module], x: Tensor, y: Tensor) -> Tensor:
        x = self.plain(x)
        code = self.code(one_hot(y, self.classes, like=x))
        for stage in stages:
            x = stage(join(x, code))
        return x


class ConditionalBranches(nn.Module):
    """Layers for the data and layers for the one-hot label, whose outputs (n, k), concatenated, `joint` takes."""

    def __init__(self, classes: int, *, data: nn.Module, label: nn.Module, joint: nn.Module, out: nn.Module):
        super().__init__()
        self.classes = classes
        self.data, self.label, self.joint, self.out = data, label, joint, out

    def features(self, x: Tensor, y: Tensor) -> Tensor:
        """x (n, ...) and labels y (n,) -> the output of the joint layers, (n, k)."""
        joined: Tensor = self.joint(join(self.data(x), self.label(one_hot(y, self.classes, like=x))))
        return joined

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """x (n, ...) and labels y (n,) -> the output of the last layer."""
        made: Tensor = self.out(self.features(x, y))
        return made


def one_hot(y: Tensor, classes: int, like: Tensor) -> Tensor:
    """Labels (n,) -> (n, classes) with the dtype of `like`."""
    return (y[:, None] == torch.arange(classes, device=y.device)).to(like.dtype)


def join(x: Tensor, code: Tensor) -> Tensor:
    """(n, c, ...) and (n, k) -> (n, c + k, ...): the code as further features, or as constant channels."""
    constant = code.reshape(*code.shape, *(1 for _ in x.shape[2:]))
    return torch.cat([x, constant.expand(*code.shape, *x.shape[2:])], 1)


def unlabelled(kind: str, space: Space) -> str | None:
    """Why a conditional network can't serve a space, or None: it needs labels."""
    if space.classes >= 2:
        return None
    other = "dcgan or mlp" if space.is_image else "mlp"
    return f"{kind} takes data with labels of 2 classes or more, not {described(space)} without: use {other}"
