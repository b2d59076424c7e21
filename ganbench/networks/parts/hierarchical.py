"""BigGAN's generator: a code of the label and a part of the latents enter every block by its batch norm.

Brock et al. 2019, arXiv:1809.11096, section 3 and appendix B. All layers work under `torch.func` transforms.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganbench.networks.parts.labels import LabelEmbedding, TakesLabels, one_hot
from ganbench.networks.parts.layers import uninitialised
from ganbench.networks.parts.normalisation import BatchNorm


class CodeBatchNorm(TakesLabels):
    """Batch norm whose gains are 1 + A c and whose offsets are B c for a code c (n, k) of each sample.

    `embeds`: the code is a one-hot label, so that A and B are embeddings.
    """

    eps = BatchNorm.eps
    momentum = BatchNorm.momentum

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, features: int, code: int, *, embeds: bool) -> None:
        super().__init__()
        layer = LabelEmbedding if embeds else nn.Linear
        self.gain, self.offset = (uninitialised(layer, code, features, bias=False) for _ in range(2))
        self.register_buffer("running_mean", torch.zeros(features))
        self.register_buffer("running_var", torch.ones(features))

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        """x (n, features, h, w) and codes (n, k) -> (n, features, h, w)."""
        running = (self.running_mean, self.running_var)
        normal = F.batch_norm(x, *running, None, None, self.training, self.momentum, self.eps)
        made: Tensor = (1 + self.gain(code))[:, :, None, None] * normal + self.offset(code)[:, :, None, None]
        return made


class HierarchicalGenerator(nn.Module):
    """Latents (n, z) and labels (n,) -> `first` of the first `part` latents -> `blocks` -> `last` -> images.

    Each block also takes the label's code, of `shared` dimensions (0: the one-hot label itself), and, unless `part` is
    all of z, the next `part` latents.
    """

    def __init__(self, sizes: tuple[int, int, int], first: nn.Module, blocks: Sequence[nn.Module], last: nn.Module):
        super().__init__()
        self.classes, shared, self.part = sizes
        self.code = uninitialised(LabelEmbedding, self.classes, shared, bias=False) if shared else nn.Identity()
        self.first, self.blocks, self.last = first, nn.ModuleList(blocks), last

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        code = self.code(one_hot(y, self.classes, like=z))
        h, *parts = torch.split(z, self.part, 1)
        h = self.first(h)
        codes = [torch.cat([code, part], 1) for part in parts] or [code] * len(self.blocks)
        for block, own in zip(self.blocks, codes, strict=True):
            h = block(h, own)
        made: Tensor = self.last(h)
        return made
