"""What the evaluators share: metric names, what features ask for, the real side of a score and its fingerprint."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import PurePath
from typing import TYPE_CHECKING, NamedTuple

import torch

from ganbench.errors import RequestError

if TYPE_CHECKING:
    from ganbench.datasets.base import Space, SplitName
    from ganbench.evaluators.base import Evaluator, FeatureName, Reference, View


def metric_name(inception: str, other: str, features: FeatureName, split: SplitName = "test") -> str:
    """The bare name belongs to Inception's features; with others it says so: `fid`, but `fd_pixels`, `fd_my_net`."""
    return on_split(inception if features == "inception" else f"{other}_{PurePath(features).stem}", split)


def on_split(name: str, split: SplitName) -> str:
    """Against the validation split it is another metric, so that a mark can be chosen by it and told by the test's."""
    return f"{name}_validation" if split == "validation" else name


def feature_misfit(features: FeatureName, space: Space) -> str | None:
    """Why samples of that space have no such features, or None."""
    if features == "classifier" and not (space.is_image and space.classes >= 2):
        return "features 'classifier' need images with labels of at least 2 classes; use features: pixels"
    if features in ("inception", "dinov2", "clip") and not (space.is_image and space.shape[0] in (1, 3)):
        return f"features {features!r} need images of 1 or 3 channels; use features: pixels"
    return None


class Least(NamedTuple):
    """How many samples a score needs of each side."""

    generated: int
    real: int


def size_misfit(least: Least, samples: int, reference: int | None) -> str | None:
    """Why so few samples on a side can't be scored, or None; `reference`: how many real ones are asked for."""
    if samples < least.generated:
        return f"needs at least {least.generated} samples"
    if reference is not None and reference < least.real:
        return f"needs a reference of at least {least.real} samples"
    return None


def real_view(real: Reference, split: SplitName, count: int | None, least: int) -> View:
    """The first `count` samples of a split, or all of them. Raises `RequestError` when it holds fewer than needed."""
    view = real.split(split)
    wanted = max(count or 0, least)
    if len(view) < wanted:
        raise RequestError(
            f"the {split} split",
            f"{len(view)} samples",
            f"at least {wanted}",
            "ask for fewer, or give more real samples",
        )
    return view if count is None else view.first(count)


def fingerprint(evaluator: Evaluator, *libraries: str, **facts: object) -> dict[str, str]:
    """How a number was made: the evaluator and its version, the libraries' versions, and the given facts."""
    digest = {"digest": evaluator.digest} if evaluator.digest else {}
    versions = {"torch": torch.__version__.split("+")[0]} | {name: version(name) for name in libraries}
    own = {"evaluator": evaluator.notation(), "version": str(type(evaluator).version)}
    return own | digest | {name: str(fact) for name, fact in facts.items()} | versions
