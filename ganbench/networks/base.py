"""The base class of networks: a generator and a discriminator for a given space."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from torch import nn

from ganbench.component import Component, Count

if TYPE_CHECKING:
    from ganbench.datasets.base import Space

BatchNorm = Literal["none", "generator", "discriminator", "both"]


@dataclass(frozen=True, kw_only=True)
class Network(Component):
    """A generator and a discriminator.

    `batchnorm` names the networks that have batch norm. The LSGAN paper's "BN_G", batch norm excluded from G, is
    `discriminator` here. Modules draw their initial weights from torch's global generator, which the trainer sets to
    the run's `init` stream.
    """

    others: ClassVar[frozenset[str]] = frozenset()  # names of the further networks that it can build
    pixel_range: ClassVar[tuple[float, float]] = (
        -1.0,
        1.0,
    )  # of images: tanh's, or (0, 1) for a sigmoid

    batchnorm: BatchNorm = "none"
    z: Count = 100  # dimension of the latent
    prior: Literal["normal", "uniform"] = "normal"  # N(0, 1) or U(-1, 1)
    pac: Count = 1  # PacGAN: samples that D judges at once, concatenated along channels or coordinates

    @property
    def parts(self) -> frozenset[str]:
        """The methods of D besides its score, which a variant may need."""
        return frozenset()

    @property
    def conditional(self) -> bool:
        """Whether G and D take labels (n,) as their last input."""
        return False

    @abstractmethod
    def generator(self, space: Space) -> nn.Module:
        """(n, z) -> (n, *space.shape)."""

    @abstractmethod
    def discriminator(self, space: Space) -> nn.Module:
        """(n, *space.shape) -> raw scores (n,)."""

    def other(self, name: str, space: Space) -> nn.Module:
        """One of the further networks in `others`: an encoder `e`, a recognition network `q`."""
        raise ValueError(f"{self.kind()} has no network {name!r}")

    @abstractmethod
    def unsupported(self, space: Space) -> str | None:
        """Why this network can't serve that space, and which spaces and networks would fit; `None` if it can."""

    def latent(self, space: Space) -> int:
        """The dimension of G's input: `z`, unless the network needs more for larger images."""
        return self.z

    def mixing(self) -> str | None:
        """What besides batch norm makes D's score of a sample depend on the other samples of its batch, or `None`."""
        return None

    def g_calls(self) -> int:
        """In how many calls G makes the packed samples of a batch: a divisor of `pac`."""
        return 1

    @property
    def g_batchnorm(self) -> bool:
        return self.batchnorm in ("generator", "both")

    @property
    def d_batchnorm(self) -> bool:
        return self.batchnorm in ("discriminator", "both")
