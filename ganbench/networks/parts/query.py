"""A discriminator that tells what it sees as a vector, the query of a memory."""

from __future__ import annotations

from torch import Tensor, nn


class Query(nn.Module):
    """`query`: samples (n, *shape) -> mu(x) (n, key), not normalised. Its score is their sum over the root of `key`.

    The score is for objectives that know no memory; it needs no weights, being linear in the last hidden layer.
    """

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def query(self, x: Tensor) -> Tensor:
        vector: Tensor = self.net(x)
        return vector

    def forward(self, x: Tensor) -> Tensor:
        vector = self.query(x)
        score: Tensor = vector.sum(1) / vector.shape[1] ** 0.5
        return score
