"""What a GAN objective is: two losses over named pure networks. The trainer decides who moves."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Literal

from torch import Tensor

from ganbench.component import Component

if TYPE_CHECKING:
    from ganbench.datasets.base import Space
    from ganbench.optimizers.base import PlayerName

LossTerms = dict[str, Tensor]  # named scalar terms: their sum is the loss, each is logged
Params = dict[str, Tensor]
Update = Callable[[Params, Params], "tuple[Params, Update]"]  # (parameters, gradients) -> the next, and its successor
Better = Literal["lower", "higher", "neither"]


@dataclass(frozen=True)
class Player:
    """A network as a pure function of its parameters: `net.d(x)`, or `net.d.at(other_parameters)(x)`.

    `net.d.part("features", x)` calls the network's method of that name, where the variant `needs` it.
    """

    apply: Callable[..., Tensor]  # (parameters, *inputs, part="forward")
    params: Params
    update: Update | None = None  # the next update of its optimizer, for variants that `look_ahead`

    def __call__(self, *inputs: Tensor) -> Tensor:
        return self.apply(self.params, *inputs)

    def part(self, name: str, *inputs: Tensor) -> Tensor:
        """Another output of the same network: its features, its code ..."""
        return self.apply(self.params, *inputs, part=name)

    def at(self, params: Params) -> Player:
        """The same network at other parameters."""
        return replace(self, params=params)

    def after(self, gradients: Params) -> Player:
        """The same network after an update of its own optimizer by these gradients, which flow through the update."""
        if self.update is None:
            raise ValueError("only a variant that declares `unrolls_updates` can ask for a network after an update")
        params, update = self.update(self.params, gradients)
        return replace(self, params=params, update=update)

    def still(self) -> Player:
        """The same network as a constant: no gradient reaches its parameters."""
        return self.at({name: param.detach() for name, param in self.params.items()})


@dataclass(frozen=True)
class Players:
    """The networks of a run. `g`: latents (n, z) -> samples (n, *shape). `d`: samples -> raw scores (n,).

    `net["e"]` is one of the further networks that the variant declares under `others`.
    """

    g: Player
    d: Player
    others: Mapping[str, Player] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Player:
        return self.others[name]


@dataclass(frozen=True)
class Batch:
    """All random draws of one update, made before the losses are called, and what the run carries along."""

    x: Tensor  # real samples (n, *shape), in the network's own range
    z: Tensor  # latents (n, z)
    noise: Mapping[str, Tensor] = field(default_factory=dict)  # what `Variant.noise` asked for
    carry: Mapping[str, Tensor] = field(default_factory=dict)  # what `Variant.carry` began and `next_carry` renews
    y: Tensor | None = None  # labels (n,) of x, for which the fakes are made too; conditional networks get them unasked
    step: Tensor | None = None  # the number of the generator step, from 1, as a float
    labelled: tuple[Tensor, Tensor] | None = None  # further reals (n, *shape) and their labels (n,), if `asks_labels`


@dataclass(frozen=True)
class Draw:
    """Extra random numbers that a variant asks for, from the run's `penalty` stream."""

    shape: tuple[int, ...]
    law: Literal["uniform", "normal", "latent"]  # U(0, 1); N(0, 1); further latents (n, z) for a shape (n,)
    once: bool = False  # the same numbers in every update of a run, from a stream of their own


@dataclass(frozen=True)
class DecisionBoundary:
    """Where D's scores turn from fake to real, and how far from there its loss is nearly flat (None: nowhere)."""

    at: float = 0.0
    flat: float | None = None


LOGITS = DecisionBoundary(flat=math.log(99))  # the score is a log-odds; flat where D is sure to 99 %


@dataclass(frozen=True, kw_only=True)
class Variant(Component):
    """A GAN objective. Both losses are minimised; each is differentiated with respect to the moving player only.

    The losses are called inside `torch.func` transforms: no `.backward()`, `.item()`, `.detach()`, random call or `if`
    on a tensor's value. They may call the networks as often as they like.
    """

    @abstractmethod
    def d_loss(self, net: Players, batch: Batch) -> LossTerms:
        """The discriminator's loss terms on one batch."""

    @abstractmethod
    def g_loss(self, net: Players, batch: Batch) -> LossTerms:
        """The generator's loss terms on one batch."""

    def d_steps(self, step: int) -> int:
        """Discriminator updates before generator update number `step` (from 1), where the schedule leaves it open."""
        return 1

    def noise(self, n: int, space: Space) -> dict[str, Draw]:
        """The extra draws that a batch of n samples needs."""
        return {}

    def constrain(self, params: Params) -> None:
        """Change the discriminator's parameters in place after each of its updates (weight clipping)."""

    def g_input(self, z: Tensor, carry: Mapping[str, Tensor]) -> Tensor:
        """What G is fed for latents (n, z) as they were drawn: the same, or codes and memories made of them."""
        return z

    def carry(self) -> Params:
        """What a run carries from update to update beside networks and optimizers, as it begins: named tensors."""
        return {}

    def next_carry(self, net: Players, batch: Batch, mover: PlayerName) -> Params:
        """What is carried on after an update of `mover` on this batch; called without gradients."""
        return dict(batch.carry)

    def report(self, carry: Mapping[str, Tensor]) -> LossTerms:
        """Scalars that tell how what is carried fares; logged as `carry/NAME` beside the terms of the losses."""
        return {}

    def scores(self, net: Players, batch: Batch) -> tuple[Tensor, Tensor]:
        """What D makes of the batch's reals and of fakes, (n,) each, the higher the more real: for the health record.

        Called without gradients, the networks in training mode.
        """
        return net.d(batch.x), net.d(net.g(batch.z))

    def decision_boundary(self) -> DecisionBoundary | None:
        """The boundary between D's scores of reals and of fakes; None where the loss sets none (critics, energies)."""
        return None

    def measure(self, net: Players, batch: Batch) -> dict[str, Tensor]:
        """What each of `measures` is on each sample (n,) of a batch of the test split, labels included.

        Called at every mark without gradients, the networks in evaluation mode; the means are scores of the run.
        """
        return {}

    measures: ClassVar[Mapping[str, Better]] = MappingProxyType({})  # the scores that `measure` gives
    stackable: ClassVar[bool] = True  # False: its runs are never trained as one program
    unrolls_updates: ClassVar[bool] = False  # its losses ask for networks after updates to come: `Player.after`
    asks_labels: ClassVar[bool] = False  # its losses ask for reals drawn apart whose labels are known: `Batch.labelled`
    needs: ClassVar[frozenset[str]] = frozenset()  # parts that D must have beyond a score: "features", "code"
    others: ClassVar[tuple[str, ...]] = ()  # further networks, built by the run's network
    d_moves: ClassVar[tuple[str, ...]] = ("d",)  # who moves in a discriminator update
    g_moves: ClassVar[tuple[str, ...]] = ("g",)  # and in a generator update
