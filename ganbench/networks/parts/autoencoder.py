"""A discriminator that is an auto-encoder."""

from __future__ import annotations

from torch import Tensor, nn

PARTS = frozenset({"code", "reconstruction"})
EPS = 1e-6


class AutoEncoder(nn.Module):
    """`reconstruction`: samples (n, *shape) -> the same shape; `code`: the encoder's output (n, k), flattened.

    Its score, for objectives that know no reconstruction, is the root mean square of the error (n,), of the order of 1
    for any space; `EPS` keeps it smooth where there is no error, as gradient penalties ask.
    """

    def __init__(self, encoder: nn.Module, decoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder

    def code(self, x: Tensor) -> Tensor:
        code: Tensor = self.encoder(x)
        return code.flatten(1)

    def reconstruction(self, x: Tensor) -> Tensor:
        made: Tensor = self.decoder(self.encoder(x))
        return made

    def forward(self, x: Tensor) -> Tensor:
        error = (self.reconstruction(x) - x).flatten(1)
        return (error.square().mean(1) + EPS).sqrt()
