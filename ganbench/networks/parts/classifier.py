"""Discriminators that tell the classes of what they take for real."""

from __future__ import annotations

from torch import Tensor, nn

from ganbench.networks.parts.layers import FEATURES

CLASSIFIER = FEATURES | {"logits"}  # the parts of such a D


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
