"""The registry of components. The folder is the registry: `kind: wgan_gp` is `ganbench/variants/wgan_gp.py`.

A user's own component comes from a file named in the suite, or from an installed package with an entry point of the
group `ganbench.plugins` that names a module. In both cases the file defines one component, the file's name is its kind,
its base class is its family, and the SHA-256 of the file is part of the run id. A TorchScript file holds code too, so
that a suite whose features come from one lists it among its plug-ins.
"""

from __future__ import annotations

import difflib
import hashlib
import importlib
import importlib.metadata
import inspect
import pkgutil
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from ganbench.component import Component, options
from ganbench.errors import RequestError
from ganbench.guard.user_files import RENAMED, import_file
from ganbench.spec import revived

FAMILIES = {
    "variant": "variants",
    "penalty": "penalties",
    "augment": "augmentations",
    "dataset": "datasets",
    "network": "networks",
    "optimizer": "optimizers",
    "evaluator": "evaluators",
    "executor": "executors",
}
CLASSES = {"augment": "Augmentation"}  # the base class of a family, where its name is not the family's
TORCHSCRIPT = ".pt"
LISTED = 60  # names that a message lists
SUITE_FAMILIES = tuple(family for family in FAMILIES if family != "executor")  # those that a suite names


@dataclass(frozen=True)
class Registry:
    """All components that a suite can name: ganbench's own and the user's. Adding one returns a new registry."""

    users: tuple[type[Component], ...] = ()
    torchscript: tuple[Path, ...] = ()  # files of features whose code may run

    @classmethod
    def of(cls, plugin_files: Iterable[Path] = ()) -> Registry:
        """The components of ganbench, of installed packages and of the given files. Raises `RequestError`."""
        registry = cls()
        for entry in importlib.metadata.entry_points(group="ganbench.plugins"):
            registry = registry._with(_load_entry(entry), f"entry point {entry.name} = {entry.value}")
        for path in plugin_files:
            registry = registry.with_file(path)
        return registry

    def with_file(self, path: Path) -> Registry:
        """This registry plus the component that a Python file defines, or plus a TorchScript file (`.pt`).

        Raises `RequestError`.
        """
        if path.suffix == TORCHSCRIPT:
            return self._with_torchscript(path)
        return self._with(_load_file(path), str(path))

    def names(self, family: str) -> tuple[str, ...]:
        """The kinds of a family, sorted. It imports no component and no torch."""
        return tuple(sorted({*_shipped(family), *(user.kind() for user in self.users if family_of(user) == family)}))

    def find(self, family: str, kind: str) -> type[Component]:
        """The component class of a kind. Raises `RequestError` with the known kinds and a suggestion."""
        for user in self.users:
            if user.kind() == kind and family_of(user) == family:
                return user
        if kind not in _shipped(family):
            raise RequestError(family, f"there is no {family} {kind!r}", hint(kind, self.names(family)))
        module = importlib.import_module(f"ganbench.{FAMILIES[family]}.{kind}")
        return _the_component(module, f"ganbench/{FAMILIES[family]}/{kind}.py")

    def build(self, family: str, body: Mapping[str, Any]) -> Component:
        """The component that `plain(component, complete=True)` wrote. Raises `RequestError` for an unknown kind."""
        options = {name: revived(value) for name, value in body.items() if name != "kind"}
        return self.find(family, body["kind"])(**options)

    def describe(self, *families: str) -> dict[str, list[dict[str, Any]]]:
        """`{"variants": [{"name", "source", "options": [...]}, ...], ...}` (see `options`); by default all families."""
        components = {
            family: [self.find(family, kind) for kind in self.names(family)] for family in families or FAMILIES
        }
        return {
            FAMILIES[family]: [{"name": c.kind(), "source": c.source, "options": options(c)} for c in members]
            for family, members in components.items()
        }

    def trusts(self, path: Path) -> bool:
        """Whether the code in a TorchScript file may run: the file is among the plug-ins."""
        return path.resolve() in self.torchscript

    def _with_torchscript(self, path: Path) -> Registry:
        if not path.is_file():
            raise RequestError(str(path), "there is no such file", "a TorchScript file of features", "correct the path")
        return replace(self, torchscript=(*self.torchscript, path.resolve()))

    def _with(self, user: type[Component], where: str) -> Registry:
        family, kind = family_of(user), user.kind()
        same = [other for other in self.users if family_of(other) == family and other.kind() == kind]
        if user in same:
            return self
        if same or kind in _shipped(family):
            raise RequestError(where, f"there is already a {family} {kind!r}", todo="give the file another name")
        return replace(self, users=(*self.users, user))


def family_of(component: type[Component]) -> str:
    """The family of a component class: a key of `FAMILIES`."""
    return next(family for family in FAMILIES if issubclass(component, _base(family)))


def hint(word: str, known: Iterable[str]) -> str:
    """`did you mean 'n_critic'? allowed: gp_weight, n_critic`; only the second part where no known word is close."""
    names = list(known)
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return f"{guess(word, names)} allowed: {', '.join(names[:LISTED]) or 'none'}{more}".strip()


def guess(word: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """`did you mean 'n_critic'?`, or an empty text where no known word has a similarity of at least `cutoff`."""
    by_lower = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=cutoff)
    return f"did you mean {by_lower[close[0]]!r}?" if close else ""


@cache
def _shipped(family: str) -> tuple[str, ...]:
    """Every module of a family's folder except `base`; the code that components share is in the package `parts`."""
    package = importlib.import_module(f"ganbench.{FAMILIES[family]}")
    modules = pkgutil.iter_modules(package.__path__)
    return tuple(module.name for module in modules if not module.ispkg and module.name != "base")


def _base(family: str) -> type[Component]:
    name = CLASSES.get(family, family.capitalize())
    base: type[Component] = getattr(importlib.import_module(f"ganbench.{FAMILIES[family]}.base"), name)
    return base


def _the_component(module: ModuleType, where: str) -> type[Component]:
    """The one concrete component that a module defines. Raises `RequestError` without one, or if it is incomplete."""
    bases = tuple(map(_base, FAMILIES))
    own = [c for _, c in inspect.getmembers(module, inspect.isclass) if c.__module__ == module.__name__]
    candidates: list[type[Component]] = [c for c in own if issubclass(c, bases)]
    concrete = [c for c in candidates if not inspect.isabstract(c)]
    if len(concrete) != 1:
        lacking = "; ".join(f"{c.__name__} lacks {', '.join(sorted(c.__abstractmethods__))}" for c in candidates)
        given = " and ".join(c.__name__ for c in concrete) or lacking or "no component"
        allowed = f"a file defines exactly one component, a subclass of {', '.join(base.__name__ for base in bases)}"
        raise RequestError(where, f"it defines {given}" if concrete or not lacking else given, allowed)
    _check_complete(concrete[0], where)
    return concrete[0]


def _check_complete(component: type[Component], where: str) -> None:
    """Raise `RequestError` unless the class is a dataclass with version and source and uses no renamed name."""
    name = component.__name__
    missing = [attribute for attribute in ("version", "source") if attribute not in dir(component)]
    if missing:
        raise RequestError(where, f"{name} has no {' and no '.join(missing)}", "both are class variables")
    old = [attribute for attribute in RENAMED if attribute in vars(component)]
    if old:
        renamed = ", ".join(f"`{attribute}` is now `{RENAMED[attribute]}`" for attribute in old)
        raise RequestError(where, f"{name} uses names of ganbench 0.1", renamed, "rename them in the file")
    if "__dataclass_fields__" not in vars(component):
        todo = "put @dataclass(frozen=True, kw_only=True) above it"
        raise RequestError(where, f"{name} is not a dataclass", todo=todo)
    try:
        options(component)
    except NameError as error:
        raise RequestError(where, f"its options can't be read: {error}") from None


def _load_file(path: Path) -> type[Component]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RequestError(
            str(path), f"can't be read: {error.strerror}", "a Python file that defines one component"
        ) from None
    if path.suffix != ".py" or not re.fullmatch(r"[a-z][a-z0-9_]*", path.stem):
        allowed = "the file's name is the component's kind: lower-case letters, digits and _, then .py"
        raise RequestError(str(path), f"{path.name!r} can't be a kind", allowed)
    digest = hashlib.sha256(content).hexdigest()
    module = import_file(path, f"ganbench_user_{digest[:16]}.{path.stem}")
    return _sealed(_the_component(module, str(path)), digest)


def _load_entry(entry: importlib.metadata.EntryPoint) -> type[Component]:
    where = f"entry point {entry.name} = {entry.value}"
    from ganbench.guard.process_state import unchanged  # it loads torch

    try:
        with unchanged(where, importing=True):
            module = entry.load()
    except RequestError:
        raise
    except (Exception, SystemExit) as error:
        raise RequestError(where, f"it can't be imported: {error}", todo="repair or uninstall its package") from None
    if not isinstance(module, ModuleType) or module.__file__ is None:
        raise RequestError(where, "it is not a module", "an entry point names a module that defines one component")
    digest = hashlib.sha256(Path(module.__file__).read_bytes()).hexdigest()
    return _sealed(_the_component(module, where), digest)


def _sealed(component: type[Component], digest: str) -> type[Component]:
    component.digest = digest
    return component
