"""What is minimised: the losses of a run's variant, and the terms that its penalty adds to them.

Both have draws and a carry of their own. In a batch the draws of the penalty lie under `added`; in the run's carry its
names begin with `penalty/`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from torch import Tensor

from ganbench.optimizers.base import PlayerName
from ganbench.penalties.base import Penalty, Scored, due, scored
from ganbench.training.players import LossInputs, memoised
from ganbench.training.snapshot import flat_name
from ganbench.variants.base import Batch, LossTerms, Params, Player, Players

if TYPE_CHECKING:
    from ganbench.spec import RunSpec

PENALTY = "penalty"
_CARRIED = flat_name(PENALTY, "")


def is_penalised(spec: RunSpec, step: int) -> bool:
    """Whether the updates of a step have the terms of a penalty."""
    return spec.penalty is not None and due(spec.penalty, step)


def loss_terms(spec: RunSpec, player: PlayerName, given: LossInputs, penalised: bool) -> LossTerms:
    """The terms of a player's loss. Raises `ValueError` if the penalty adds a term of a name that the variant has."""
    variant, penalty = spec.variant, spec.penalty
    losses = {"d": variant.d_loss, "g": variant.g_loss}
    batch = _of_variant(given.batch)
    if penalty is None or not penalised:
        return losses[player](given.net, batch)
    net = replace(given.net, g=memoised(given.net.g), d=memoised(given.net.d))
    if player == "g":
        return _sum(variant.g_loss(net, batch), penalty.g_terms(net, _of_penalty(given.batch)), penalty)
    return _d_terms(spec, penalty, net, given.batch)


def initial_carry(spec: RunSpec) -> Params:
    """The carry of a run at its start."""
    own = spec.penalty.carry() if spec.penalty else {}
    return spec.variant.carry() | _flat(own)


def next_carry(spec: RunSpec, player: PlayerName, given: LossInputs) -> Params:
    """The carry after an update of a player on a batch; called without gradients."""
    carry = spec.variant.next_carry(given.net, _of_variant(given.batch), player)
    own = spec.penalty.next_carry(given.net, _of_penalty(given.batch), player) if spec.penalty else {}
    return carry | _flat(own)


def carry_report(spec: RunSpec, carry: Mapping[str, Tensor]) -> LossTerms:
    """Scalars that describe the carry."""
    own = spec.penalty.report(_penaltys(carry)) if spec.penalty else {}
    return spec.variant.report(_variants(carry)) | own


def _d_terms(spec: RunSpec, penalty: Penalty, net: Players, batch: Batch) -> LossTerms:
    """D's terms. A point at which the variant scores D too is evaluated once, for both."""
    own = _of_penalty(batch)
    points = penalty.points(net, own)
    known: dict[int, Scored] = {}

    def at(x: Tensor) -> Scored:
        if id(x) not in known:
            known[id(x)] = scored(net.d, x)
        return known[id(x)]

    terms = spec.variant.d_loss(replace(net, d=_scoring(net.d, points, at)), _of_variant(batch))
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


def _of_variant(batch: Batch) -> Batch:
    return replace(batch, carry=_variants(batch.carry))


def _of_penalty(batch: Batch) -> Batch:
    return replace(batch, noise=batch.added[PENALTY], carry=_penaltys(batch.carry))


def _variants(carry: Mapping[str, Tensor]) -> Params:
    return {name: tensor for name, tensor in carry.items() if not name.startswith(_CARRIED)}


def _penaltys(carry: Mapping[str, Tensor]) -> Params:
    return {name.removeprefix(_CARRIED): tensor for name, tensor in carry.items() if name.startswith(_CARRIED)}


def _flat(carry: Params) -> Params:
    return {f"{_CARRIED}{name}": tensor for name, tensor in carry.items()}
