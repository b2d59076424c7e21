"""The base of augmentations, and transformations of images that penalties use too."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from ganbench.component import Component

if TYPE_CHECKING:
    from ganbench.datasets.base import Space
    from ganbench.spec import RunSpec
    from ganbench.variants.base import Batch, Draw, LossTerms, Params, Players

Side = Literal["real", "fake"]
SIDES: tuple[Side, ...] = ("real", "fake")


@dataclass(frozen=True, kw_only=True)
class Augmentation(Component):
    """A random transformation of all samples that D sees, real and generated, in the updates of both players.

    It is differentiated with respect to the generated samples, runs inside `torch.func` transforms, and draws nothing:
    random numbers are declared under `draws`. The losses, the penalty and the health record of a run are given the
    transformed samples; what is evaluated is not transformed. The batch that an augmentation is given holds its own
    draws and its own carry.
    """

    @property
    def follows_scores(self) -> bool:
        """Whether its carry follows D's scores of the reals: then the variant must have a decision boundary."""
        return False

    @abstractmethod
    def transformed(self, x: Tensor, batch: Batch) -> Tensor:
        """Samples (n, *shape) as D sees them; `batch.noise` holds the draws for these samples.

        Images are in [-1, 1], also those of a network with another range. The result may be outside.
        """

    def reals(self, net: Players, batch: Batch) -> Tensor:
        """The real samples of a batch before they are transformed, in the network's own range."""
        return batch.x

    def draws(self, n: int, space: Space) -> dict[str, Draw]:
        """The random numbers that n samples need; reals and fakes have their own."""
        return {}

    def noise(self, n: int, space: Space) -> dict[str, Draw]:
        """The draws of a batch of n reals and n fakes, from the run's `augment` stream."""
        return {f"{side}_{name}": draw for side in SIDES for name, draw in self.draws(n, space).items()}

    def carry(self) -> Params:
        """The initial value of what the augmentation carries from update to update."""
        return {}

    def next_carry(self, batch: Batch, margins: Tensor) -> Params:
        """The carry after an update of D, if it `follows_scores`; called without gradients.

        margins: (n,), D's scores of the batch's reals, as D saw them, above the decision boundary of the variant.
        """
        return dict(batch.carry)

    def report(self, carry: Mapping[str, Tensor]) -> LossTerms:
        """Scalars that describe the carry; logged as `carry/NAME`."""
        return {}

    def unsupported(self, space: Space) -> str | None:
        """Why such data can't be augmented in this way, and what to use instead; `None` if they can."""
        return None

    def conflict(self, spec: RunSpec) -> str | None:
        kind = spec.variant.kind()
        if not spec.variant.scores_samples:
            return f"it changes the samples that D scores, and the D of {kind} scores no single samples; use none"
        if spec.network.pac > 1:
            return "it changes single samples, and D sees packed ones; set pac to 1, or use none"
        if self.follows_scores and spec.variant.decision_boundary() is None:
            return f"p follows the sign of D's scores, which {kind} gives no meaning; set target to null for a fixed p"
        return None


def of_side(batch: Batch, side: Side) -> Batch:
    """The batch with the draws of the reals or of the fakes only, by their own names."""
    head = f"{side}_"
    return replace(batch, noise={n.removeprefix(head): batch.noise[n] for n in batch.noise if n.startswith(head)})


def flipped(x: Tensor, which: Tensor) -> Tensor:
    """Images (n, c, h, w), of which those where `which` (n,) is true are mirrored left to right."""
    return torch.where(which[:, None, None, None], x.flip(3), x)


def whole_shifts(uniform: Tensor, most: int) -> Tensor:
    """Whole numbers from -most to most, each as likely as the others, of draws from U(0, 1)."""
    return (uniform * (2 * most + 1)).floor().clamp(max=2 * most).to(torch.int64) - most
