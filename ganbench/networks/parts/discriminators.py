"""Discriminators that give more than a score, and the networks that are trained with them.

Each can be trained by any objective: its `forward` gives raw scores (n,).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganbench.networks.parts.layers import ACTIVATIONS, hidden, uninitialised

# a network's `parts`: the methods of its D
FEATURES = frozenset({"features"})  # the last hidden layer (n, k)
AUTOENCODER = frozenset({"code", "reconstruction"})
CLASSIFIER = FEATURES | {"logits"}
JOINT = frozenset({"joint"})
QUERY = frozenset({"query"})
# a network's `others`
ENCODER = frozenset({"e"})
RECOGNITION = frozenset({"q"})

ERROR_EPS = 1e-6
RECOGNITION_UNITS = 128


class Discriminator(nn.Sequential):
    """Layers of which the last but one gives the scores (n, 1), and the last flattens them to (n,)."""

    def features(self, x: Tensor) -> Tensor:
        """The output of the layers before the scores, flattened: (n, k)."""
        for layer in list(self)[:-2]:
            x = layer(x)
        return x.flatten(1)


class AutoEncoder(nn.Module):
    """`reconstruction`: samples (n, *shape) -> the same shape; `code`: the encoder's output (n, k), flattened.

    Its score, for objectives that use no reconstruction, is the root mean square of the error (n,), of the order of 1
    for any space; `ERROR_EPS` keeps the score smooth where the error is 0, as gradient penalties require.
    """

    def __init__(self, encoder: nn.Module, decoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder

    def code(self, x: Tensor) -> Tensor:
        code: Tensor = self.encoder(x)
        return code.flatten(1)

    def reconstruction(self, x: Tensor) -> Tensor:
        made: Tensor = self.decoder(self.encoder(x))
        return made

    def forward(self, x: Tensor) -> Tensor:
        error = (self.reconstruction(x) - x).flatten(1)
        return (error.square().mean(1) + ERROR_EPS).sqrt()


class Classifier(nn.Module):
    """K logits l (n, K) over `features`; the logit of a fake is 0, so that D(x) = Z / (Z + 1) with Z = sum exp l_k.

    Its raw score is log Z, whose sigmoid is D(x). Salimans et al. 2016, arXiv:1606.03498, section 5.
    """

    def __init__(self, body: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.body, self.head = body, head

    def features(self, x: Tensor) -> Tensor:
        """(n, ...) -> (n, k)."""
        features: Tensor = self.body(x)
        return features

    def logits(self, x: Tensor) -> Tensor:
        """(n, ...) -> (n, K)."""
        logits: Tensor = self.head(self.features(x))
        return logits

    def forward(self, x: Tensor) -> Tensor:
        return self.logits(x).logsumexp(1)


class JointDiscriminator(nn.Module):
    """`joint`: samples x (n, *shape) and latents (n, z) -> raw scores (n,).

    `sample` and `latent` make features of each, and `pair` makes a score of both, concatenated. Its score of x alone,
    for objectives that use no pairs, is that of x with the latent 0.
    """

    def __init__(self, z: int, *, sample: nn.Module, latent: nn.Module, pair: nn.Module) -> None:
        super().__init__()
        self.z = z
        self.sample, self.latent, self.pair = sample, latent, pair

    def joint(self, x: Tensor, z: Tensor) -> Tensor:
        score: Tensor = self.pair(torch.cat([self.sample(x), self.latent(z)], 1))
        return score

    def forward(self, x: Tensor) -> Tensor:
        return self.joint(x, x.new_zeros(len(x), self.z))


class QueryDiscriminator(nn.Module):
    """`query`: samples (n, *shape) -> mu(x) (n, key), not normalised: the query to a memory.

    Its score, for objectives that use no memory, is the sum of mu(x) over the root of `key`. That needs no weights,
    since mu(x) is linear in the last hidden layer.
    """

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def query(self, x: Tensor) -> Tensor:
        vector: Tensor = self.net(x)
        return vector

    def forward(self, x: Tensor) -> Tensor:
        vector = self.query(x)
        score: Tensor = vector.sum(1) / vector.shape[1] ** 0.5
        return score


class Encoder(nn.Module):
    """Samples x (n, *shape) -> means of latents (n, z); with noise (n, z), latents: mean + std * noise.

    `net` gives means and logarithms of standard deviations, concatenated (n, 2 z).
    """

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor, noise: Tensor | None = None) -> Tensor:
        mean, log_std = self.net(x).chunk(2, 1)
        latent: Tensor = mean if noise is None else mean + log_std.exp() * noise
        return latent


class NoiseEncoder(nn.Module):
    """Samples x (n, *shape) and noise (n, z), concatenated -> latents (n, z); noise 0 where none is given.

    `net` maps (n, numbers of a sample + z) to (n, z).
    """

    def __init__(self, z: int, net: nn.Module) -> None:
        super().__init__()
        self.z, self.net = z, net

    def forward(self, x: Tensor, noise: Tensor | None = None) -> Tensor:
        added = x.new_zeros(len(x), self.z) if noise is None else noise
        latent: Tensor = self.net(torch.cat([x.flatten(1), added], 1))
        return latent


def recognition_network(features: int, z: int, *, norm: bool) -> nn.Module:
    """InfoGAN's Q, which recovers the latent from D's features: (n, features) -> 128 units -> (n, z).

    Leaky ReLU, after batch norm if `norm` is set, then a linear layer. The outputs are in the order of G's inputs.
    Chen et al. 2016, arXiv:1606.03657, appendix C.1.
    """
    stack = hidden((features, RECOGNITION_UNITS), ACTIVATIONS["leaky_relu"], norm=norm)
    return nn.Sequential(*stack, uninitialised(nn.Linear, RECOGNITION_UNITS, z))
