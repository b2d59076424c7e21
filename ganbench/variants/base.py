"""A GAN objective: two losses over named pure networks. The trainer decides which network moves when."""

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

LossTerms = dict[str, Tensor]  # named scalar terms: their sum is the loss, and each is logged
Params = dict[str, Tensor]
Update = Callable[[Params, Params], "tuple[Params, Update]"]  # (parameters, gradients) -> the next, and what follows
Better = Literal["lower", "higher", "neither"]


@dataclass(frozen=True)
class Player:
    """A network as a pure function of its parameters: `net.d(x)`, or `net.d.at(other_parameters)(x)`.

    `net.d.part("features", x)` calls the network's method of that name; the variant declares it under `needs`.
    """

    apply: Callable[..., Tensor]  # (parameters, *inputs, part="forward")
    params: Params
    update: Update | None = None  # the next update of its optimizer, if the variant declares `unrolls_updates`

    def __call__(self, *inputs: Tensor) -> Tensor:
        return self.apply(self.params, *inputs)

    def part(self, name: str, *inputs: Tensor) -> Tensor:
        """Another output of the same network, such as its features or its code."""
        return self.apply(self.params, *inputs, part=name)

    def at(self, params: Params) -> Player:
        """The same network at other parameters."""
        return replace(self, params=params)

    def after(self, gradients: Params) -> Player:
        """The same network after an update of its own optimizer with these gradients; the update is differentiable."""
        if self.update is None:
            raise ValueError("this network has no update to follow: set `unrolls_updates = True` in its variant")
        params, update = self.update(self.params, gradients)
        return replace(self, params=params, update=update)

    def still(self) -> Player:
        """The same network with constant parameters: no gradient reaches them."""
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
    """All random draws of one update, made before the losses are called, and what the run carries."""

    x: Tensor  # real samples (n, *shape), in the network's own range
    z: Tensor  # latents (n, z)
    noise: Mapping[str, Tensor] = field(default_factory=dict)  # the draws that `Variant.noise` declares
    carry: Mapping[str, Tensor] = field(default_factory=dict)  # starts as `Variant.carry`, renewed by `next_carry`
    y: Tensor | None = None  # labels (n,) of x and of the fakes; a conditional network gets them with every call
    step: Tensor | None = None  # the number of the generator step, from 1, as a float
    labelled: tuple[Tensor, Tensor] | None = None  # further reals (n, *shape) with labels (n,), for `asks_labels`
    added: Mapping[str, Mapping[str, Tensor]] = field(default_factory=dict)  # of the run's `penalty` and `augment`


@dataclass(frozen=True)
class Draw:
    """Random numbers that a component declares; those of a variant come from the run's `penalty` stream."""

    shape: tuple[int, ...]
    law: Literal["uniform", "normal", "latent"]  # U(0, 1); N(0, 1); further latents (n, z) for a shape (n,)
    once: bool = False  # the same numbers in every update of a run, from their own stream


@dataclass(frozen=True)
class DecisionBoundary:
    """The score above which D takes a sample for real, and the distance beyond which its loss is nearly flat."""

    at: float = 0.0
    flat: float | None = None  # None: the loss is flat nowhere


LOGITS = DecisionBoundary(flat=math.log(99))  # scores are log-odds; flat where D is 99 % sure


@dataclass(frozen=True, kw_only=True)
class Variant(Component):
    """A GAN objective. Both losses are minimised; each is differentiated with respect to the moving player only.

    The losses are called inside `torch.func` transforms, so they must not use `.backward()`, `.item()`, `.detach()`, a
    random call, or `if` on a tensor's value. They may call the networks any number of times.
    """

    @abstractmethod
    def d_loss(self, net: Players, batch: Batch) -> LossTerms:
        """The discriminator's loss terms on one batch."""

    @abstractmethod
    def g_loss(self, net: Players, batch: Batch) -> LossTerms:
        """The generator's loss terms on one batch."""

    def d_steps(self, step: int) -> int:
        """Discriminator updates before generator update number `step` (from 1), unless the schedule sets the number."""
        return 1

    def noise(self, n: int, space: Space) -> dict[str, Draw]:
        """The extra draws that a batch of n samples needs."""
        return {}

    def constrain(self, params: Params) -> None:
        """Change the discriminator's parameters in place after each of its updates (weight clipping)."""

    def g_input(self, z: Tensor, carry: Mapping[str, Tensor]) -> Tensor:
        """The input of G for latents (n, z) as drawn: the latents themselves, or codes or keys derived from them."""
        return z

    def carry(self) -> Params:
        """The initial value of what a run carries from update to update beside its networks and optimizers."""
        return {}

    def next_carry(self, net: Players, batch: Batch, mover: PlayerName) -> Params:
        """The carry after an update of `mover` on this batch; called without gradients.

        The networks are as the update left them, or with `carries_before` as they were before the turn.
        """
        return dict(batch.carry)

    def report(self, carry: Mapping[str, Tensor]) -> LossTerms:
        """Scalars that describe the carry; logged as `carry/NAME` beside the terms of the losses."""
        return {}

    def scores(self, net: Players, batch: Batch) -> tuple[Tensor, Tensor]:
        """D's scores of the batch's reals and of fakes, (n,) each, higher for more real: for the health record.

        Called without gradients, with the networks in training mode.
        """
        return net.d(batch.x), net.d(net.g(batch.z))

    def decision_boundary(self) -> DecisionBoundary | None:
        """The boundary between D's scores of reals and of fakes; None if the loss sets none (critics, energies)."""
        return None

    def measure(self, net: Players, batch: Batch) -> dict[str, Tensor]:
        """The values (n,) of each of `measures` on the samples of a batch of the test split, which includes labels.

        Called at every mark, without gradients, with the networks in evaluation mode; the means are scores of the run.
        """
        return {}

    measures: ClassVar[Mapping[str, Better]] = MappingProxyType({})  # the scores that `measure` computes
    scores_samples: ClassVar[bool] = True  # `net.d` gives the score of a sample that its losses use
    stackable: ClassVar[bool] = True  # False: its runs are never trained in packs
    capturable: ClassVar[bool] = True  # False: its updates are never recorded and replayed
    carries_before: ClassVar[bool] = False  # `next_carry` is given the networks before the updates of the turn
    unrolls_updates: ClassVar[bool] = False  # its losses use networks after simulated updates: `Player.after`
    asks_labels: ClassVar[bool] = False  # its losses use reals with known labels, drawn separately: `Batch.labelled`
    needs: ClassVar[frozenset[str]] = frozenset()  # outputs that D must have beside its score: "features", "code"
    others: ClassVar[tuple[str, ...]] = ()  # further networks, which the run's network builds
    d_moves: ClassVar[tuple[str, ...]] = ("d",)  # the networks that a discriminator update moves
    g_moves: ClassVar[tuple[str, ...]] = ("g",)  # and those that a generator update moves
