"""Mixtures of isotropic Gaussians around given centres, whose widths are fitted to samples, in float64."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from ganbench.evaluators.parts.distances import blocks

EPOCHS, RATE, BATCH = 50, 0.5, 10_000  # of the fit by Adam
SETTLED, WINDOW, FIRST = 5e-4, 5, 7  # it ends when the costs of that many epochs differ by less, from an epoch on
LEAST = 1e-3  # added to the squared distance from which a width starts
TOWARDS = 0.9  # share of the way to the mean at which the base component has its centre
RANGE = (-40.0, 20.0)  # of the logarithm of a squared width


class Standardised(NamedTuple):
    """Features minus a mean (k,), over a standard deviation (k,); a feature that is constant is not scaled."""

    mean: Tensor
    deviation: Tensor

    @classmethod
    def by(cls, x: Tensor) -> Standardised:
        deviation, mean = torch.std_mean(x.double(), dim=0)
        return cls(mean, deviation.where(deviation > 0, 1))

    def __call__(self, x: Tensor) -> Tensor:
        return (x.double() - self.mean) / self.deviation


def nats_per_dimension(x: Tensor, centres: Tensor, widths: Tensor) -> Tensor:
    """-log p / d of rows x (n, d) under equal Gaussians at centres (m, d) with log squared widths (m,): (n,)."""
    d, device = x.shape[1], str(x.device)
    found = [_logs(block.squares, widths, d).logsumexp(1) for block in blocks(x, centres, device)]
    return (math.log(len(centres)) - torch.cat(found)) / d


def fit_widths(centres: Tensor, x: Tensor) -> Tensor:
    """The logarithms of squared widths (m,) under which rows x (n, d) are likely, by Adam on the mean log-likelihood.

    While they are fitted, one more component near the mean of x bounds the likelihood of outliers from below. The fit
    ends after 50 epochs, or when the cost of an epoch differs by less than 5e-4 from those of the four before it.
    """
    d = x.shape[1]
    squares = torch.cat([block.squares for block in blocks(x, centres, str(x.device))])
    towards = (TOWARDS * (x - x.mean(0))).square().sum(1, keepdim=True)
    state = torch.cat([((squares.amin(0) + LEAST) / d).log(), squares.new_zeros(1)])  # the last one: the base component
    first, second, step, costs = torch.zeros_like(state), torch.zeros_like(state), 0, list[float]()
    batches = torch.split(torch.arange(len(x), device=x.device), BATCH)
    while len(costs) < EPOCHS and not _settled(costs):
        parts = []
        for rows in batches:
            step += 1
            cost, gradient = _cost(torch.cat([squares[rows], towards[rows]], 1), state, d)
            first = 0.9 * first + 0.1 * gradient
            second = 0.999 * second + 0.001 * gradient.square()
            move = first / (1 - 0.9**step) / ((second / (1 - 0.999**step)).sqrt() + 1e-8)
            state = state - RATE * move
            state[:-1].clamp_(*RANGE)
            parts.append(cost)
        costs.append(math.fsum(parts) / len(parts))
    return state[:-1]


def _settled(costs: list[float]) -> bool:
    """Whether the costs of the last epochs are alike."""
    return len(costs) >= FIRST and max(abs(costs[-1] - cost) for cost in costs[-WINDOW:]) < SETTLED


def _cost(squares: Tensor, state: Tensor, d: int) -> tuple[float, Tensor]:
    """The mean of -log p / d and its gradient by each log squared width (m + 1,), from squared distances (n, m + 1)."""
    logs = _logs(squares, state, d)
    logs[:, :-1] -= math.log(len(state) - 1)
    total = logs.logsumexp(1, keepdim=True)
    share = logs.sub_(total).exp_()
    return -total.mean().item() / d, -(share * (squares / state.exp() - d) / 2).mean(0) / d


def _logs(squares: Tensor, widths: Tensor, d: int) -> Tensor:
    """log N(x; c, exp(width) I) from squared distances (n, m)."""
    return -0.5 * (squares / widths.exp() + d * (widths + math.log(2 * math.pi)))
