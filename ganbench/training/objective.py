"""What is minimised: the losses of a run's variant, and the terms that its penalty adds to them, of what D sees."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from torch import Tensor

from ganbench.optimizers.base import PlayerName
from ganbench.penalties.base import Penalty, Scored, due, scored
from ganbench.training.augmented import augmented, next_augment_carry
from ganbench.training.owners import (
    AUGMENT,
    PENALTY,
    batch_of_owner,
    batch_of_variant,
    carry_of_owner,
    carry_of_variant,
    flat_carry,
)
from ganbench.training.players import LossInputs, memoised
from ganbench.variants.base import Batch, LossTerms, Params, Player, Players

if TYPE_CHECKING:
    from ganbench.spec import RunSpec


def is_penalised(spec: RunSpec, step: int) -> bool:
    """Whether the updates of a step have the terms of a penalty."""
    return spec.penalty is not None and due(spec.penalty, step)


def loss_terms(spec: RunSpec, player: PlayerName, given: LossInputs, penalised: bool) -> LossTerms:
    """The terms of a player's loss. Raises `ValueError` if the penalty adds a term of a name that the variant has."""
    variant, penalty = spec.variant, spec.penalty
    losses = {"d": variant.d_loss, "g": variant.g_loss}
    given = augmented(spec, given)
    batch = batch_of_variant(given.batch)
    if penalty is None or not penalised:
        return losses[player](given.net, batch)
    net = replace(given.net, g=memoised(given.net.g), d=memoised(given.net.d))
    if player == "g":
        return _sum(variant.g_loss(net, batch), penalty.g_terms(net, batch_of_owner(given.batch, PENALTY)), penalty)
    return _d_terms(spec, penalty, net, given.batch)


def initial_carry(spec: RunSpec) -> Params:
    """The carry of a run at its start."""
    penalty = flat_carry(spec.penalty.carry(), PENALTY) if spec.penalty else {}
    augment = flat_carry(spec.augment.carry(), AUGMENT) if spec.augment else {}
    return spec.variant.carry() | penalty | augment


def next_carry(spec: RunSpec, player: PlayerName, given: LossInputs) -> Params:
    """The carry after an update of a player on a batch; called without gradients."""
    given = augmented(spec, given)
    carry = spec.variant.next_carry(given.net, batch_of_variant(given.batch), player)
    if spec.penalty:
        own = spec.penalty.next_carry(given.net, batch_of_owner(given.batch, PENALTY), player)
        carry = carry | flat_carry(own, PENALTY)
    if spec.augment:
        carry = carry | flat_carry(next_augment_carry(spec, player, given), AUGMENT)
    return carry


def carry_report(spec: RunSpec, carry: Mapping[str, Tensor]) -> LossTerms:
    """Scalars that describe the carry."""
    penalty = spec.penalty.report(carry_of_owner(carry, PENALTY)) if spec.penalty else {}
    augment = spec.augment.report(carry_of_owner(carry, AUGMENT)) if spec.augment else {}
    return spec.variant.report(carry_of_variant(carry)) | penalty | augment


def _d_terms(spec: RunSpec, penalty: Penalty, net: Players, batch: Batch) -> LossTerms:
    """D's terms. A point at which the variant scores D too is evaluated once, for both."""
    own = batch_of_owner(batch, PENALTY)
    points = penalty.points(net, own)
    known: dict[int, Scored] = {}

    def at(x: Tensor) -> Scored:
        if id(x) not in known:
            known[id(x)] = scored(net.d, x)
        return known[id(x)]

    terms = spec.variant.d_loss(replace(net, d=_scoring(net.d, points, at)), batch_of_variant(batch))
    return _sum(terms, penalty.d_terms(net, own, {name: at(x) for name, x in points.items()}), penalty)


def _scoring(d: Player, points: Mapping[str, Tensor], at: Callable[[Tensor], Scored]) -> Player:
    """D, whose scores of these very points are those `at` them."""
    ids = {id(x) for x in points.values()}

    def apply(params: Params, *inputs: Tensor, part: str = "forward") -> Tensor:
        if part == "forward" and params is d.params and id(inputs[0]) in ids:
            return at(inputs[0]).score
        return d.apply(params, *inputs, part=part)

    return replace(d, apply=apply)


def _sum(terms: LossTerms, added: LossTerms, penalty: Penalty) -> LossTerms:
    if both := terms.keys() & added.keys():
        raise ValueError(f"both the variant and the penalty {penalty.kind()} have a term {min(both)!r}; rename one")
    return terms | {name: penalty.every * term for name, term in added.items()}
