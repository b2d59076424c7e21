"""Parts of relativistic objectives, which compare the scores of one side with those of the other."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor
from torch.nn.functional import softplus

from ganbench.variants.base import Batch, LossTerms, Players


class Margins(NamedTuple):
    """How far scores lie above the other side's average: `real` = r - E f and `fake` = f - E r, (n,) each."""

    real: Tensor
    fake: Tensor


def margins(net: Players, batch: Batch) -> Margins:
    """The margins of a batch; both players' losses also differentiate the averages."""
    real, fake = net.d(batch.x), net.d(net.g(batch.z))
    return Margins(real - fake.mean(), fake - real.mean())


def both_sides(*, real: Tensor, fake: Tensor, halve: bool) -> LossTerms:
    """The means of both sides' losses (n,); `halve` divides their sum by 2, as the author's code does."""
    parts = 2 if halve else 1
    return {"real": real.mean() / parts, "fake": fake.mean() / parts}


def paired_g(net: Players, batch: Batch) -> LossTerms:
    """E sp(r - f), real and fake paired by index: G raises each fake's score above that of its real sample."""
    return {"pairs": softplus(net.d(batch.x) - net.d(net.g(batch.z))).mean()}
