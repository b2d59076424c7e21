"""What a GAN objective is: two losses over named pure networks. The trainer decides who moves."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal

from torch import Tensor

from ganbench.component import Component

if TYPE_CHECKING:
    from ganbench.datasets.base import Space

Terms = dict[str, Tensor]  # named scalar terms: their sum is the loss, each is logged
Params = dict[str, Tensor]


@dataclass(frozen=True)
class Player:
    """A network as a pure function of its parameters: `net.d(x)`, or `net.d.at(other_parameters)(x)`."""

    apply: Callable[[Params, Tensor], Tensor]
    params: Params

    def __call__(self, x: Tensor) -> Tensor:
        return self.apply(self.params, x)

    def at(self, params: Params) -> Player:
        """The same network at other parameters."""
        return Player(self.apply, params)


@dataclass(frozen=True)
class Players:
    """The networks of a run. `g`: latents (n, z) -> samples (n, *shape). `d`: samples -> raw scores (n,)."""

    g: Player
    d: Player


@dataclass(frozen=True)
class Batch:
    """All random draws of one update, made before the losses are called."""

    x: Tensor  # real samples (n, *shape), in the network's own range
    z: Tensor  # latents (n, z)
    noise: Mapping[str, Tensor] = field(default_factory=dict)  # what `Variant.noise` asked for


@dataclass(frozen=True)
class Draw:
    """Extra random numbers that a variant asks for, from the run's `penalty` stream."""

    shape: tuple[int, ...]
    law: Literal["uniform", "normal"]  # U(0, 1) or N(0, 1)


@dataclass(frozen=True, kw_only=True)
class Variant(Component):
    """A GAN objective. Both losses are minimised; each is differentiated with respect to the moving player only.

    The losses are called inside `torch.func` transforms: no `.backward()`, `.item()`, `.detach()`, random call or `if`
    on a tensor's value. They may call the networks as often as they like.
    """

    @abstractmethod
    def d_loss(self, net: Players, batch: Batch) -> Terms:
        """The discriminator's loss terms on one batch."""

    @abstractmethod
    def g_loss(self, net: Players, batch: Batch) -> Terms:
        """The generator's loss terms on one batch."""

    def d_steps(self, step: int) -> int:
        """Discriminator updates before generator update number `step` (from 1), where the schedule leaves it open."""
        return 1

    def noise(self, n: int, space: Space) -> dict[str, Draw]:
        """The extra draws that a batch of n samples needs."""
        return {}

    def constrain(self, params: Params) -> None:
        """Change the discriminator's parameters in place after each of its updates (weight clipping)."""

    stackable: ClassVar[bool] = True  # False: its runs are never trained as one program
