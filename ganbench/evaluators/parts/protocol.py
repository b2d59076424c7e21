"""The vocabulary of protocols: metric names, requirements on samples and features, real views, fingerprints."""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from pathlib import PurePath
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from ganbench.errors import RequestError
from ganbench.evaluators.parts.statistics import KnownMoments

if TYPE_CHECKING:
    from ganbench.datasets.base import Space, SplitName
    from ganbench.evaluators.base import Evaluator, FeatureName, Reference, View


INCEPTION: dict[FeatureName, str] = {"inception": "", "inception_clean": "_clean"}  # what it adds to a metric's name
OF_IMAGES = (*INCEPTION, "dinov2", "clip", "clip_l14_336", "efficientnet_lite0", "lpips")  # of 1 or 3 channels


def metric_name(inception: str, other: str, features: FeatureName, split: SplitName = "test") -> str:
    """The plain name with Inception's features (`fid`), else a name that says which: `fd_pixels`, `fd_my_net`.

    Inception's features of images that were resized in another way are in the names as well: `fid_clean`.
    """
    if features in INCEPTION:
        return on_split(inception + INCEPTION[features], split)
    return on_split(f"{other}_{PurePath(features).stem}", split)


def pixel_metric(name: str, features: FeatureName, split: SplitName) -> str:
    """The plain name with pixels, else a name that says which features were used: `mmd_squared_dinov2`."""
    return on_split(name if features == "pixels" else f"{name}_{PurePath(features).stem}", split)


def on_split(name: str, split: SplitName) -> str:
    """The name with `_validation` for that split, so that a suite can select by it and report the test metric."""
    return f"{name}_validation" if split == "validation" else name


def unsupported_features(features: FeatureName, space: Space) -> str | None:
    """Why samples of that space have no such features, or None."""
    if features == "classifier" and not (space.is_image and space.classes >= 2):
        return "features 'classifier' need images with labels of at least 2 classes; use features: pixels"
    if features in OF_IMAGES and not (space.is_image and space.shape[0] in (1, 3)):
        return f"features {features!r} need images of 1 or 3 channels; use features: pixels"
    return None


class Sizes(NamedTuple):
    """A number of generated and a number of real samples."""

    generated: int
    real: int


def unsupported_sizes(least: Sizes, samples: int, reference: int | None = None) -> str | None:
    """Why the samples are too few, or None; `reference` is the requested number of real samples (None: all)."""
    if samples < least.generated:
        return f"needs at least {_samples(least.generated)}"
    if reference is not None and reference < least.real:
        return f"needs a reference of at least {_samples(least.real)}"
    return None


def _samples(n: int) -> str:
    return "1 sample" if n == 1 else f"{n} samples"


def real_view(real: Reference, split: SplitName, count: int | None, least: int) -> View:
    """The first `count` samples of a split, or all, or its known moments.

    Raises `RequestError` if the split is too small.
    """
    view = real.split(split)
    if isinstance(view, KnownMoments):
        return view if count is None else view.first(count)
    wanted = max(count or 0, least)
    if len(view) < wanted:
        raise RequestError(
            f"the {split} split",
            _samples(len(view)),
            f"at least {wanted}",
            "ask for fewer, or give more real samples",
        )
    return view if count is None else view.first(count)


def fingerprint(evaluator: Evaluator, *libraries: str, **facts: object) -> dict[str, str]:
    """How a number was made: the evaluator and its version, the given facts, and the libraries' versions."""
    digest = {"digest": evaluator.digest} if evaluator.digest else {}
    versions = {"torch": torch.__version__.split("+")[0]} | {name: version(name) for name in libraries}
    own = {"evaluator": evaluator.notation(), "version": str(type(evaluator).version)}
    return own | digest | {name: str(fact) for name, fact in facts.items()} | versions


def content_key(*parts: Tensor | str) -> str:
    """SHA-256 (64 hex digits) of texts and of tensors' bytes, shapes and dtypes."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, str):
            digest.update(f"text {len(part)}\n{part}".encode())
        else:
            digest.update(f"{part.dtype} {tuple(part.shape)}\n".encode())
            digest.update(part.detach().cpu().contiguous().numpy().data)
    return digest.hexdigest()
