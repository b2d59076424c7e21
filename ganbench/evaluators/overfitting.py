"""How far the discriminator overfits to its training samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge

from ganbench.evaluators.base import Metric
from ganbench.evaluators.parts.networks import NetworkEvaluator

if TYPE_CHECKING:
    import torch

    from ganbench.evaluators.base import Networks, Score


@dataclass(frozen=True, kw_only=True)
class Overfitting(NetworkEvaluator):
    """How D scores reals that it was trained on, reals of the test split, and samples of G, `samples` of each.

    `d_gap`: the mean score of the first minus that of the second, in units of D's scores. `d_r_v`: the same gap as a
    share of that between training reals and generated samples: 0 without overfitting, 1 where held-out reals are scored
    like generated samples. `d_r_t`: the mean sign of the scores of training reals above D's decision boundary; absent
    for a loss without one. `d_r_v` is absent where training reals and generated samples have equal mean scores.
    Networks are in evaluation mode, and D sees augmented samples if training does.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Karras et al. 2020, arXiv:2006.06676, eq. 1; its validation set is the test split here"

    samples: Annotated[int, Ge(2)] = 250

    def metrics(self) -> tuple[Metric, ...]:
        return Metric("d_gap", "lower"), Metric("d_r_v", "lower"), Metric("d_r_t", "lower", low=-1, high=1)

    def read(self, networks: Networks, rng: torch.Generator) -> dict[str, Score]:
        found = networks.scores(self.samples)
        train, held_out, generated = found.train.double(), found.held_out.double(), found.generated.double()
        n, gap = len(train), (train.mean() - held_out.mean()).item()
        stderr = (train.var() / n + held_out.var() / len(held_out)).sqrt().item()
        scores = {"d_gap": self.score(gap, n, stderr)}
        if apart := (train.mean() - generated.mean()).item():
            scores["d_r_v"] = self.score(gap / apart, n)
        if found.boundary is not None:
            scores["d_r_t"] = self.mean((train - found.boundary).sign())
        return scores
