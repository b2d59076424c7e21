"""What the parts of a run's objective have of their own: draws in a batch, and a carry.

In a batch, the draws of the penalty and of the augmentation lie under `added`, by their axis. In the run's carry, the
names of what they carry begin with their axis, `penalty/`; all other names are the variant's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from torch import Tensor

from ganbench.spec import ADDED_AXES
from ganbench.training.snapshot import flat_name
from ganbench.variants.base import Batch, Params

PENALTY, AUGMENT = ADDED_AXES
HEADS = tuple(flat_name(axis, "") for axis in ADDED_AXES)


def batch_of_variant(batch: Batch) -> Batch:
    """The batch with the variant's own carry."""
    return replace(batch, carry=carry_of_variant(batch.carry))


def batch_of_owner(batch: Batch, axis: str) -> Batch:
    """The batch with the draws and the carry of the run's component on an added axis."""
    return replace(batch, noise=batch.added[axis], carry=carry_of_owner(batch.carry, axis))


def carry_of_variant(carry: Mapping[str, Tensor]) -> Params:
    """What the variant carries."""
    return {name: tensor for name, tensor in carry.items() if not name.startswith(HEADS)}


def carry_of_owner(carry: Mapping[str, Tensor], axis: str) -> Params:
    """What the component on an added axis carries, by its own names."""
    head = flat_name(axis, "")
    return {name.removeprefix(head): tensor for name, tensor in carry.items() if name.startswith(head)}


def flat_carry(own: Mapping[str, Tensor], axis: str) -> Params:
    """The inverse of `carry_of_owner`: the names in the run's carry."""
    return {flat_name(axis, name): tensor for name, tensor in own.items()}
