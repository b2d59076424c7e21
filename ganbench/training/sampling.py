"""Samples of a generator at a step, and the tensors that they are made from."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call

from ganbench.datasets.base import Data, Space, Split, to_rest
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


class GeneratorInputs(NamedTuple):
    """Latents (n, z), float32 on the CPU, and the labels (n,) of a conditional generator."""

    z: Tensor
    y: Tensor | None


class TrainedGenerator(nn.Module):
    """A generator with its trained weights, in evaluation mode: latents (n, z) -> samples in the network's range.

    Images are floats (n, c, h, w) in the `pixel_range` of the network, points floats (n, d). A conditional one takes
    labels (n,) as its second input. Batch norm uses its running statistics.
    """

    def __init__(self, spec: RunSpec, space: Space, weights: Params, carry: Params) -> None:
        super().__init__()
        self.network = blank(partial(spec.network.generator, space))
        self.network.load_state_dict(weights)
        self._spec, self._carried = spec, tuple(carry)
        for place, tensor in enumerate(carry.values()):
            self.register_buffer(f"carry_{place}", tensor)
        self.requires_grad_(False)
        self.eval()

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        carry = {name: self.get_buffer(f"carry_{place}") for place, name in enumerate(self._carried)}
        fed = self._spec.variant.g_input(z, carry)
        samples: Tensor = self.network(fed) if y is None else self.network(fed, y)
        return samples


def sample(spec: RunSpec, data: Data, saved: Mapping[str, Tensor], n: int, step: int) -> Split:
    """n samples at rest of a `saved_generator` of a step, on the device of its tensors, by which the run is scored.

    The latents come from the run's `eval` stream of that step alone, so the samples depend neither on what was sampled
    before nor on the device. A conditional generator is given labels drawn from those of the training data.
    """
    inputs = drawn_inputs(spec, data.space, n, stream(spec.seed, "eval", step), data.train.y)
    return generate(spec, data.space, saved, inputs)


def drawn_inputs(
    spec: RunSpec, space: Space, n: int, generator: torch.Generator, labels: Tensor | None
) -> GeneratorInputs:
    """n latents, and for a conditional generator as many of the `labels`, drawn with replacement."""
    z = latents(spec, space, n, generator)
    if not spec.network.conditional or labels is None:
        return GeneratorInputs(z, None)
    return GeneratorInputs(z, labels[torch.randint(len(labels), (n,), generator=generator)])


def interpolated(inputs: GeneratorInputs, steps: int) -> GeneratorInputs:
    """`steps` latents from each latent of the first half to its partner in the second, row by row, ends included.

    The way is spherical (White 2016, Sampling Generative Networks, section 2.1): for a normal prior in many dimensions
    its latents have the usual norm, which those on a straight line do not have. Labels are those of the first half.
    """
    first, second = inputs.z.double().chunk(2)
    cosine = torch.nn.functional.cosine_similarity(first, second).clamp(-1, 1)
    angle = cosine.acos().clamp(1e-6, math.pi - 1e-6)[:, None, None]
    share = torch.linspace(0, 1, steps, dtype=torch.float64)[None, :, None]
    weights = [torch.sin((1 - share) * angle), torch.sin(share * angle)]
    path = (weights[0] * first[:, None] + weights[1] * second[:, None]) / torch.sin(angle)
    y = None if inputs.y is None else inputs.y[: len(first)].repeat_interleave(steps)
    return GeneratorInputs(path.flatten(0, 1).to(inputs.z.dtype), y)


def generate(spec: RunSpec, space: Space, saved: Mapping[str, Tensor], inputs: GeneratorInputs) -> Split:
    """Samples at rest (uint8 images, float points) of a `saved_generator`, on the device of its tensors."""
    weights, carry = weights_and_carry(saved)
    like, chunks = next(iter(weights.values())), []
    with unchanged_by(spec.network, spec.variant), torch.no_grad():
        module = blank(partial(spec.network.generator, space))
        for part in torch.split(torch.arange(len(inputs.z)), CHUNK):
            labels = () if inputs.y is None else (inputs.y[part].to(like.device),)
            fed = spec.variant.g_input(inputs.z[part].to(like), carry)
            chunks.append(functional_call(module, weights, (fed, *labels)))
    return Split(to_rest(torch.cat(chunks), *spec.network.pixel_range), inputs.y)
