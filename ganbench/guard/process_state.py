"""The state of the process that a user's component must leave as it is, because every other run reads it.

    with unchanged(str(path)):            # an import
        ...
    with unchanged_by(network, variant):  # a call; it costs nothing for ganbench's own components
        ...

What has changed is set back, so that it reaches no other run, and `SideEffect` names the component and the setting.
"""

from __future__ import annotations

import builtins
import math
import os
import random
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch

from ganbench.component import Component
from ganbench.errors import SideEffect
from ganbench.guard.process_settings import SETTINGS

ALLOWED = "a component leaves the settings of the process as they are, because every other run reads them"
# Variables that libraries read when they compute. A library may add others when it is loaded.
READ = re.compile(r"(OMP|MKL|OPENBLAS|CUDA|CUBLAS|CUDNN|NVIDIA|TORCH|PYTORCH|NPY|GANBENCH|LC)_|LANG$|PYTHON")
NOTES = ("__doc__", "__annotations__", "__abstractmethods__", "_abc_impl", "__warningregistry__")  # Python's own
ABSENT = object()


@dataclass(frozen=True)
class ProcessState:
    """The settings, environment variables and functions of the process at one moment."""

    settings: Mapping[str, Any]
    environ: Mapping[str, str]
    names: tuple[tuple[Any, str, dict[str, Any]], ...]  # a module or class, how it is called, what its names mean
    modules: int  # how many are loaded

    @classmethod
    def now(cls) -> ProcessState:
        settings = {name: setting.read() for name, setting in SETTINGS.items()}
        return cls(settings, dict(os.environ), tuple(_names()), len(sys.modules))

    def changes(self, importing: bool = False) -> list[tuple[str, str]]:
        """What is different now, as (sentence, what to do instead). Everything is set back.

        What libraries do when they are loaded is set back without a word after an import, and after a call that has
        loaded modules.
        """
        return [*self._changed_settings(importing), *self._changed_variables(), *self._changed_names()]

    def _changed_settings(self, importing: bool) -> Iterator[tuple[str, str]]:
        loaded = importing or len(sys.modules) > self.modules
        for name, setting in SETTINGS.items():
            before, after = self.settings[name], setting.read()
            if after != before:
                setting.write(before)
                if not (setting.loading and loaded):
                    yield f"it changes {name}{_from_to(before, after)}", setting.todo

    def _changed_variables(self) -> Iterator[tuple[str, str]]:
        for name in {**self.environ, **os.environ}:
            before, after = self.environ.get(name), os.environ.get(name)
            if before == after or (before is None and not READ.match(name)):
                continue
            if before is None:
                del os.environ[name]
            else:
                os.environ[name] = before
            yield f"it changes the environment variable {name}", "set it in the shell, for all runs"

    def _changed_names(self) -> Iterator[tuple[str, str]]:
        for owner, called, names in self.names:
            closed = isinstance(owner, type) or called.startswith("ganbench.")  # a new name can hide another there
            present = _own(owner) if closed else vars(owner)
            for name in {**names, **present} if closed else names:
                before, after = names.get(name, ABSENT), present.get(name, ABSENT)
                if after is before or _is_torchs_wrapper(
                    after, _inherited(owner, name) if before is ABSENT else before
                ):
                    continue
                if before is ABSENT:
                    delattr(owner, name)
                else:
                    setattr(owner, name, before)
                yield f"it replaces {called}.{name}", "call your own function by its own name"


@contextmanager
def unchanged(where: str, importing: bool = False) -> Iterator[None]:
    """Set back what the block changes of the process's state, and raise `SideEffect` for `where`.

    `importing`: the block imports a module, and so perhaps libraries (see `ProcessState.changes`).
    """
    before = ProcessState.now()
    try:
        yield
    except Exception as error:
        _refuse(before.changes(importing), where, error)
        raise
    except BaseException:
        before.changes()
        raise
    _refuse(before.changes(importing), where)


@contextmanager
def unchanged_by(*components: Component) -> Iterator[None]:
    """The same around a call of components, if some are a user's. The message names their files."""
    files = source_files(*components)
    if not files:
        yield
        return
    with unchanged(" or ".join(files)):
        yield


def source_files(*components: Component) -> tuple[str, ...]:
    """The files of those components that are a user's, each once."""
    modules = (sys.modules.get(type(part).__module__) for part in components if part.digest)
    return tuple(dict.fromkeys(str(module.__file__) for module in modules if module))


def _refuse(changes: list[tuple[str, str]], where: str, error: Exception | None = None) -> None:
    if changes:
        given = "; ".join(dict.fromkeys(sentence for sentence, _ in changes[:3]))
        raise SideEffect(where, given, ALLOWED, changes[0][1]) from error


def _from_to(before: Any, after: Any) -> str:
    """` from torch.float32 to torch.float64`, where that is short."""
    text = f" from {before} to {after}"
    return text if len(text) < 80 else ""


def _names() -> Iterator[tuple[Any, str, dict[str, Any]]]:
    """What the names of Python's, numpy's, torch's and ganbench's modules and classes mean now."""
    functional: tuple[ModuleType, ...] = (torch.nn.functional, torch.nn.init, torch.func, torch.linalg, torch.autograd)
    for module in (builtins, math, random, np, np.linalg, np.random, torch, *functional):
        yield module, module.__name__, _public(module)
    for owner in dict.fromkeys((torch.Tensor, torch.Generator, *_classes(torch.nn), *_classes(torch.optim))):
        yield owner, f"{owner.__module__}.{owner.__qualname__}", _own(owner)
    for name, module in list(sys.modules.items()):
        if name.startswith("ganbench.") and name != __name__:
            yield module, name, _own(module)
            for owner in _classes(module):
                yield owner, f"{name}.{owner.__qualname__}", _own(owner)


def _inherited(owner: Any, name: str) -> Any:
    """What a class has under a name that it doesn't define itself."""
    bases = owner.__mro__[1:] if isinstance(owner, type) else ()
    return next((vars(base)[name] for base in bases if name in vars(base)), ABSENT)


def _is_torchs_wrapper(after: Any, before: Any) -> bool:
    """Whether torch itself has wrapped its function, as it does on an optimizer's first use and for its compiler."""
    code, cells = getattr(after, "__code__", None), getattr(after, "__closure__", None) or ()
    is_torchs = code is not None and Path(code.co_filename).is_relative_to(Path(torch.__file__).parent)
    return is_torchs and any(cell.cell_contents is before for cell in cells)


def _public(module: ModuleType) -> dict[str, Any]:
    return {
        name: value
        for name, value in vars(module).items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
    }


def _own(owner: Any) -> dict[str, Any]:
    return {
        name: value for name, value in vars(owner).items() if name not in NOTES and not isinstance(value, ModuleType)
    }


def _classes(module: ModuleType) -> Iterator[type]:
    """The classes that a module defines, or in torch those that it or its parts define."""
    name = module.__name__
    for value in list(vars(module).values()):
        if isinstance(value, type) and (value.__module__ == name or value.__module__.startswith(f"{name}.")):
            yield value
