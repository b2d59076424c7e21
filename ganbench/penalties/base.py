"""The base of penalties, and gradient penalties as pure functions of the discriminator at some points."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from torch import Tensor
from torch.func import grad

from ganbench.component import Component, Count

if TYPE_CHECKING:
    from ganbench.datasets.base import Space
    from ganbench.optimizers.base import PlayerName
    from ganbench.spec import RunSpec
    from ganbench.variants.base import Batch, Draw, LossTerms, Params, Player, Players


class Scored(NamedTuple):
    """D's raw scores (n,) of samples x, and the gradient of each score by its own sample, in the shape of x."""

    score: Tensor
    gradient: Tensor


@dataclass(frozen=True, kw_only=True)
class Penalty(Component):
    """Terms that are added to the losses of any variant whose D scores samples.

    `every` n adds them in the updates of every n-th step only, from the first on, n times as strong (lazy
    regularisation: Karras et al. 2020, arXiv:1912.04958, section 3.1, with n = 16 for D; the rates of the optimizer
    stay as they are).

    As in a variant's losses, all is differentiated with respect to the moving player, runs inside `torch.func`
    transforms, and draws nothing: random numbers are declared under `noise`. The batch that a penalty is given holds
    its own draws and its own carry.
    """

    takes_gradients: ClassVar[bool] = False  # whether it needs D's gradient by its input: then no batch norm in D

    every: Count = 1

    def points(self, net: Players, batch: Batch) -> dict[str, Tensor]:
        """Samples, by name, at which `d_terms` is given D's scores and input gradients."""
        return {}

    @abstractmethod
    def d_terms(self, net: Players, batch: Batch, at: Mapping[str, Scored]) -> LossTerms:
        """The terms added to the discriminator's loss; `at` holds what D gives at each of `points`."""

    def g_terms(self, net: Players, batch: Batch) -> LossTerms:
        """The terms added to the generator's loss."""
        return {}

    def noise(self, n: int, space: Space) -> dict[str, Draw]:
        """The draws that a batch of n samples needs, from the run's `penalty` stream."""
        return {}

    def carry(self) -> Params:
        """The initial value of what the penalty carries from update to update."""
        return {}

    def next_carry(self, net: Players, batch: Batch, mover: PlayerName) -> Params:
        """The carry after an update of `mover` on this batch; called without gradients."""
        return dict(batch.carry)

    def report(self, carry: Mapping[str, Tensor]) -> LossTerms:
        """Scalars that describe the carry; logged as `carry/NAME`."""
        return {}

    def unsupported(self, space: Space) -> str | None:
        """Why this penalty can't be used on such data, and what to use instead; `None` if it can."""
        return None

    def conflict(self, spec: RunSpec) -> str | None:
        if not spec.variant.scores_samples:
            return (
                f"it needs D's score of a sample, which {spec.variant.kind()} doesn't define; use it without a penalty"
            )
        if spec.variant.unrolls_updates:
            return "the simulated updates of D would leave it out; use another variant, or this one without a penalty"
        return input_gradient_conflict(spec) if self.takes_gradients else None


def due(penalty: Penalty, step: int) -> bool:
    """Whether the updates of a step (from 1) have the penalty's terms."""
    return (step - 1) % penalty.every == 0


def scored(d: Player, x: Tensor) -> Scored:
    """Scores and input gradients of one pass through D.

    The gradient of the summed scores holds the per-sample gradients only if samples don't affect each other's scores:
    D must have no batch norm.
    """

    def total(inputs: Tensor) -> tuple[Tensor, Tensor]:
        score = d(inputs)
        return score.sum(), score

    gradient, score = grad(total, has_aux=True)(x)
    return Scored(score, gradient)


def input_gradient_conflict(spec: RunSpec) -> str | None:
    """Why a run can't have a penalty on the discriminator's input gradient, and what to change; None if it can."""
    if spec.network.d_batchnorm:
        return (
            "its penalty needs each sample's own gradient, which batch norm in D mixes; use batchnorm none or generator"
        )
    if mixing := spec.network.mixing():
        return f"its penalty needs each sample's own gradient, which {mixing} mixes; use a discriminator without it"
    return None


def squared_norm(gradient: Tensor) -> Tensor:
    """Squared Euclidean norms (n,) of per-sample gradients, summed over all dimensions of a sample."""
    return gradient.flatten(1).square().sum(1)


def norm(gradient: Tensor, eps: float = 1e-12) -> Tensor:
    """Euclidean norms (n,) of per-sample gradients; `eps` under the root keeps its derivative finite at 0."""
    return (squared_norm(gradient) + eps).sqrt()


def from_unit_norm(gradient: Tensor) -> Tensor:
    """E (||gradient||_2 - 1)^2, the two-sided penalty of WGAN-GP."""
    return (norm(gradient) - 1).square().mean()


def unit_norm_penalty(d: Player, x: Tensor) -> Tensor:
    """E (||grad D(x)||_2 - 1)^2."""
    return from_unit_norm(scored(d, x).gradient)


def interpolate(real: Tensor, fake: Tensor, share: Tensor) -> Tensor:
    """share * real + (1 - share) * fake, with one `share` (n,) per sample."""
    weight = _per_sample(share, real)
    return weight * real + (1 - weight) * fake


def displace(x: Tensor, *, noise: Tensor, share: Tensor) -> Tensor:
    """x + share * noise, with one `share` (n,) per sample: points around x."""
    return x + _per_sample(share, x) * noise


def _per_sample(share: Tensor, x: Tensor) -> Tensor:
    """(n,) reshaped so that it multiplies the samples of x."""
    return share.reshape(-1, *[1] * (x.dim() - 1))
