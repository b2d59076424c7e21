"""Which evaluators score: those named, or all that there are, each with every kind of features that can be had."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import MISSING, dataclass, fields
from typing import Any, get_args, get_type_hints

from ganbench.datasets.base import Space
from ganbench.errors import RequestError
from ganbench.evaluators.base import KNOWN, Evaluator, FeatureName, is_file
from ganbench.features.bank import Bank
from ganbench.plugins import Registry, hint
from ganbench.suite.nodes import Mistakes, Source, parse
from ganbench.suite.values import choices


@dataclass(frozen=True)
class Absent:
    """What could not be computed, an evaluator or one of its metrics, and why."""

    name: str
    because: str


def choose(text: str | None, features: tuple[FeatureName, ...], registry: Registry) -> tuple[Evaluator, ...]:
    """The evaluators that a text like `fid, {kind: parzen, start: -2}` names; None: all that need no setting.

    One named without options, or not at all, comes once with each of `features`. Raises `SuiteError` with every
    mistake of the text.
    """
    if text is None:
        kinds: list[Any] = [registry.find("evaluator", kind) for kind in registry.names("evaluator")]
        return _once(evaluator for kind in kinds for evaluator in _with_features(kind, features))
    mistakes = Mistakes()
    node = parse(f"[{text}]", Source("--with"), mistakes)
    found = choices("evaluator", node, registry, mistakes) if node else []
    mistakes.stop()
    each = [_with_features(type(one.value), features) if isinstance(one.node.value, str) else [one.value]
            for one in found]  # fmt: skip
    return _once(evaluator for several in each for evaluator in several)


def available(space: Space, bank: Bank, text: str | None) -> tuple[tuple[FeatureName, ...], tuple[Absent, ...]]:
    """The features, of those that `text` names or of all, that can be had here; and why the others can't.

    Points have `pixels` alone: themselves. Raises `RequestError` for a name that there isn't.
    """
    found: list[FeatureName] = []
    absent = []
    for name in _feature_names(text) if text else KNOWN if space.is_image else ("pixels",):
        try:
            bank.check_ready([name])
            found.append(name)
        except RequestError as error:
            absent.append(Absent(f"features {name}", _told(error)))
    return tuple(found), tuple(absent)


def _feature_names(text: str) -> tuple[FeatureName, ...]:
    words = [word.strip() for word in text.split(",")]
    for word in words:
        if word not in KNOWN and not is_file(word):
            raise RequestError("--features", f"there are no features {word!r}", hint(word, (*KNOWN, "FILE.pt")))
    return (*(name for name in KNOWN if name in words), *(word for word in words if is_file(word)))


def _with_features(kind: type[Evaluator], features: tuple[FeatureName, ...]) -> list[Evaluator]:
    """The evaluator with each kind of features that it takes; itself alone where it takes none."""
    if any(field.default is MISSING and field.default_factory is MISSING for field in fields(kind)):
        return []
    if "features" not in {field.name for field in fields(kind)}:
        return [kind()]
    options: Any = kind
    taken = get_args(get_type_hints(kind)["features"])
    return [options(features=name) for name in features if name in taken or str in taken]


def _once(evaluators: Iterable[Evaluator]) -> tuple[Evaluator, ...]:
    return tuple({evaluator.notation(): evaluator for evaluator in evaluators}.values())


def _told(error: RequestError) -> str:
    return "; ".join(part for part in (error.given, error.todo) if part)
