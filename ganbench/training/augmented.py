"""What D sees of a run with an augmentation: transformed reals, and transformed samples of G."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from torch import Tensor

from ganbench.augmentations.base import Augmentation, Side, of_side
from ganbench.training.owners import AUGMENT, batch_of_owner, batch_of_variant, carry_of_owner
from ganbench.training.players import LossInputs, memoised
from ganbench.variants.base import Batch, Params, Player

if TYPE_CHECKING:
    from ganbench.optimizers.base import PlayerName
    from ganbench.spec import RunSpec

STANDARD = (-1.0, 1.0)  # the range of images in which augmentations compute


def augmented(spec: RunSpec, given: LossInputs) -> LossInputs:
    """The arguments of the losses, with the reals and the samples of G as D sees them."""
    augmentation = spec.augment
    if augmentation is None:
        return given
    own = batch_of_owner(given.batch, AUGMENT)
    reals = augmentation.reals(given.net, of_side(own, "real"))
    fakes = memoised(Player(lambda _, x, part: _transformed(spec, augmentation, x, (own, "fake")), {}))
    g = given.net.g

    def apply(params: Params, *inputs: Tensor, part: str = "forward") -> Tensor:
        made = g.apply(params, *inputs, part=part)
        return fakes(made) if part == "forward" else made

    seen = replace(given.batch, x=_transformed(spec, augmentation, reals, (own, "real")))
    return LossInputs(replace(given.net, g=replace(g, apply=apply)), seen)


def next_augment_carry(spec: RunSpec, player: PlayerName, given: LossInputs) -> Params:
    """What the augmentation carries after an update; `given` is as D saw it."""
    assert spec.augment is not None, "only called for a run with an augmentation"
    boundary = spec.variant.decision_boundary()
    if player == "g" or not spec.augment.follows_scores or boundary is None:
        return carry_of_owner(given.batch.carry, AUGMENT)
    real, _ = spec.variant.scores(given.net, batch_of_variant(given.batch))
    return spec.augment.next_carry(batch_of_owner(given.batch, AUGMENT), real - boundary.at)


def _transformed(spec: RunSpec, augmentation: Augmentation, x: Tensor, drawn: tuple[Batch, Side]) -> Tensor:
    """Samples in the network's range as D sees them. What is transformed to itself stays as it is, bit for bit."""
    own = of_side(*drawn)
    low, high = spec.network.pixel_range
    if x.dim() != 4 or (low, high) == STANDARD:
        return augmentation.transformed(x, own)
    middle, half = (low + high) / 2, (high - low) / 2
    standard = (x - middle) / half
    return x + half * (augmentation.transformed(standard, own) - standard)
