"""Samples of a generator at a step, and the tensors that they are made from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.func import functional_call

from ganbench.datasets.base import Data, Split, to_rest
from ganbench.guard.process_state import unchanged_by
from ganbench.rng import global_stream, stream
from ganbench.training.inputs import latents
from ganbench.training.snapshot import flat_name
from ganbench.variants.base import Params

if TYPE_CHECKING:
    from ganbench.spec import RunSpec

CHUNK = 512  # samples generated at once

_CARRIED = flat_name("carry", "")


def saved_generator(weights: Params, carry: Mapping[str, Tensor]) -> Params:
    """The tensors that a mark keeps for sampling: G's by their names, and what the variant carries as `carry/NAME`."""
    return {**weights, **{f"{_CARRIED}{name}": tensor for name, tensor in carry.items()}}


def weights_and_carry(saved: Mapping[str, Tensor]) -> tuple[Params, Params]:
    """The two parts of a `saved_generator`."""
    weights = {name: tensor for name, tensor in saved.items() if not name.startswith(_CARRIED)}
    carry = {name.removeprefix(_CARRIED): tensor for name, tensor in saved.items() if name.startswith(_CARRIED)}
    return weights, carry


def blank(make: Callable[[], nn.Module]) -> nn.Module:
    """A network in evaluation mode for its program alone: its parameters are to be given.

    Not on torch's `meta` device, where filling in weights loads torch's compiler, which takes seconds of each process.
    """
    with global_stream(0, "blank"):
        return make().eval()


def sample(spec: RunSpec, data: Data, saved: Mapping[str, Tensor], n: int, step: int) -> Split:
    """n samples at rest (uint8 images, float points) of a `saved_generator` of a step, on the device of its tensors.

    Batch norm uses its running statistics. The latents come from the run's `eval` stream of that step alone, so the
    samples depend neither on what was sampled before nor on the device. A conditional generator is given labels drawn
    from those of the training data.
    """
    generator = stream(spec.seed, "eval", step)
    z = latents(spec, data.space, n, generator)
    y = None
    if spec.network.conditional and data.train.y is not None:
        y = data.train.y[torch.randint(len(data.train.y), (n,), generator=generator)]
    weights, carry = weights_and_carry(saved)
    like = next(iter(weights.values()))
    chunks = []
    with unchanged_by(spec.network, spec.variant), torch.no_grad():
        module = blank(partial(spec.network.generator, data.space))
        for part in torch.split(torch.arange(n), CHUNK):
            labels = () if y is None else (y[part].to(like.device),)
            fed = spec.variant.g_input(z[part].to(like), carry)
            chunks.append(functional_call(module, weights, (fed, *labels)))
    return Split(to_rest(torch.cat(chunks), *spec.network.pixel_range), y)
