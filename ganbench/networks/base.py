"""What a network is: a generator and a discriminator for a given space, with batch norm where the run says."""

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
    """A pair of networks. `batchnorm` names who HAS it: LSGAN's "BN_G" excludes it from G and is `discriminator` here.

    Modules initialise themselves from torch's global generator, which the trainer sets to the run's `init` stream.
    """

    parts: ClassVar[frozenset[str]] = frozenset()  # methods of D beside its score that a variant may need
    others: ClassVar[frozenset[str]] = frozenset()  # further networks that it can build
    conditional: ClassVar[bool] = False  # G and D take labels (n,) as their last input
    pixel_range: ClassVar[tuple[float, float]] = (-1.0, 1.0)  # what D sees and G makes: (-1, 1) tanh, (0, 1) sigmoid

    batchnorm: BatchNorm = "none"
    z: Count = 100  # dimension of the latent
    prior: Literal["normal", "uniform"] = "normal"  # N(0, 1) or U(-1, 1)
    pac: Count = 1  # D judges packs of so many samples, side by side as channels or coordinates (PacGAN)

    @abstractmethod
    def generator(self, space: Space) -> nn.Module:
        """(n, z) -> (n, *space.shape)."""

    @abstractmethod
    def discriminator(self, space: Space) -> nn.Module:
        """(n, *space.shape) -> raw scores (n,)."""

    def other(self, name: str, space: Space) -> nn.Module:
        """One of the further networks in `others`: an encoder `e`, a code's reader `q`."""
        raise ValueError(f"{self.kind()} has no network {name!r}")

    @abstractmethod
    def unsupported(self, space: Space) -> str | None:
        """Why this network can't serve that space, and what it can; `None` when it can."""

    def latent(self, space: Space) -> int:
        """How many latents G takes for a sample: `z`, unless larger images need more."""
        return self.z

    def mixing(self) -> str | None:
        """What beside batch norm makes D's score of a sample hang on the others of its batch; `None` where nothing."""
        return None

    @property
    def g_batchnorm(self) -> bool:
        return self.batchnorm in ("generator", "both")

    @property
    def d_batchnorm(self) -> bool:
        return self.batchnorm in ("discriminator", "both")
