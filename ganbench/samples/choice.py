"""The choice of evaluators: the named ones or all, each with every available kind of features."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import MISSING, dataclass, fields
from typing import Any, get_args, get_type_hints

from ganbench.datasets.base import Space
from ganbench.errors import RequestError
from ganbench.evaluators.base import KNOWN, Evaluator, FeatureName, is_file
from ganbench.features.bank import Bank
from ganbench.plugins import Registry, hint
from ganbench.suite.nodes import Mistakes, TextSource, parse
from ganbench.suite.values import STANDARD, choices


@dataclass(frozen=True)
class Unavailable:
    """Features, an evaluator or one of its metrics without a score, and the reason."""

    name: str
    because: str


def choose_evaluators(text: str | None, features: tuple[FeatureName, ...], registry: Registry) -> tuple[Evaluator, ...]:
    """The evaluators named by a text such as `fid, {kind: parzen, start: -2}`; None: all without required options.

    An evaluator named without options, or not named, is taken with each of `features`. Raises `SuiteError` with every
    mistake in the text.
    """
    if text is None:
        kinds: list[Any] = [registry.find("evaluator", kind) for kind in registry.names("evaluator")]
        return _distinct(evaluator for kind in kinds for evaluator in _with_features(kind, features))
    mistakes = Mistakes()
    node = parse(f"[{text}]", TextSource("--with"), mistakes)
    chosen = choices("evaluator", node, registry, mistakes) if node else []
    mistakes.stop()
    variants = [
        _with_features(type(choice.value), features)
        if isinstance(choice.node.value, str) and choice.node.value != STANDARD
        else [choice.value]
        for choice in chosen
    ]
    return _distinct(evaluator for several in variants for evaluator in several)


def refuse_code(text: str | None, evaluators: Iterable[Evaluator]) -> None:
    """Raise `RequestError` for features from a TorchScript file, whose code would run. No file is opened.

    `text` names features as `available_features` takes them.
    """
    of_evaluators = (name for evaluator in evaluators for name in evaluator.needs())
    for name in (*(_feature_names(text) if text else ()), *of_evaluators):
        if is_file(name):
            given = f"{name} is a TorchScript file, which holds code, and the code would run with your rights"
            raise RequestError("features", given, "files whose origin you trust", "add --trust if you trust this one")


def available_features(
    space: Space, bank: Bank, text: str | None
) -> tuple[tuple[FeatureName, ...], tuple[Unavailable, ...]]:
    """The available ones of the features named in `text` (None: of all), and why the others aren't available.

    Points have `pixels` only, which are the points themselves. Raises `RequestError` for an unknown name.
    """
    available: list[FeatureName] = []
    unavailable = []
    for name in _feature_names(text) if text else KNOWN if space.is_image else ("pixels",):
        try:
            bank.check_ready([name])
            available.append(name)
        except RequestError as error:
            unavailable.append(Unavailable(f"features {name}", _reason(error)))
    return tuple(available), tuple(unavailable)


def _feature_names(text: str) -> tuple[FeatureName, ...]:
    words = [word.strip() for word in text.split(",")]
    for word in words:
        if word not in KNOWN and not is_file(word):
            raise RequestError("--features", f"there are no features {word!r}", hint(word, (*KNOWN, "FILE.pt")))
    return (*(name for name in KNOWN if name in words), *(word for word in words if is_file(word)))


def _with_features(kind: type[Evaluator], features: tuple[FeatureName, ...]) -> list[Evaluator]:
    """The evaluator with each kind of features that its option allows, or once if it has no such option."""
    if any(field.default is MISSING and field.default_factory is MISSING for field in fields(kind)):
        return []
    if "features" not in {field.name for field in fields(kind)}:
        return [kind()]
    options: Any = kind
    allowed = get_args(get_type_hints(kind)["features"])
    return [options(features=name) for name in features if name in allowed or str in allowed]


def _distinct(evaluators: Iterable[Evaluator]) -> tuple[Evaluator, ...]:
    return tuple({evaluator.notation(): evaluator for evaluator in evaluators}.values())


def _reason(error: RequestError) -> str:
    return "; ".join(part for part in (error.given, error.todo) if part)
