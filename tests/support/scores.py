"""The fixed scores on which objectives are compared with published anchors: samples are latents, scores are samples."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from ganbench.datasets.base import Space
from ganbench.variants.base import Batch, Player, Players, Variant

REAL, FAKE = [2.0, -1.0], [0.5, -0.5]
SAME = Player(lambda params, z: z, {})
SCORES = Player(lambda params, x: x.flatten(), {})
LINEAR = Player(lambda params, x: x @ params["w"], {"w": torch.tensor([3.0, 4.0], dtype=torch.float64)})
SQUARE = Player(lambda params, x: x.flatten(1).square().sum(1) / 2, {})  # its input gradient at x is x

Formula = Callable[[np.ndarray], float]


def vector(values: list[float]) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def silent(variant: Variant, x: Tensor) -> dict[str, Tensor]:
    """Zeros for every draw that a variant asks for."""
    asked = variant.noise(len(x), Space(tuple(x.shape[1:])))
    return {name: torch.zeros(draw.shape, dtype=x.dtype) for name, draw in asked.items()}


def losses(variant: Variant, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    """L_D and L_G at given scores (n,), gradient penalties left out."""
    net, batch = Players(SAME, SCORES), Batch(real[:, None], fake[:, None], silent(variant, real[:, None]))
    d, g = variant.d_loss(net, batch), variant.g_loss(net, batch)
    kept = [term for name, term in d.items() if "penalty" not in name]
    return torch.stack(kept).sum(), torch.stack(list(g.values())).sum()


def penalties(variant: Variant, d: Player, batch: Batch) -> dict[str, float]:
    """The gradient penalties of a discriminator step, by name; the generator is the identity."""
    terms = variant.d_loss(Players(SAME, d), batch)
    return {name: term.item() for name, term in terms.items() if "penalty" in name}


def slopes(formula: Formula, at: list[float], step: float = 1e-6) -> list[float]:
    """Central finite differences of a NumPy formula."""
    found = []
    for i in range(len(at)):
        up, down = np.array(at), np.array(at)
        up[i] += step
        down[i] -= step
        found.append((formula(up) - formula(down)) / (2 * step))
    return found


def name(value: object) -> str:
    """A case's name, the same in every process: the text of a function holds its address."""
    return "formula" if callable(value) else str(value)
