"""Importing the Python file of a user's component: alone, and without a change to the process around it."""

from __future__ import annotations

import ast
import importlib
import importlib.metadata
import importlib.util
import sys
from contextlib import suppress
from importlib.abc import Loader
from pathlib import Path
from types import ModuleType

from ganbench.errors import RequestError

RENAMED = {  # names of version 0.1 that plug-ins imported or overrode, and their new names
    "Border": "DecisionBoundary",
    "Terms": "LossTerms",
    "ahead": "functional_update",
    "border": "decision_boundary",
    "carry_on": "next_carry",
    "foresees": "has_functional_update",
    "looks_ahead": "unrolls_updates",
    "misfit": "unsupported",
    "objection": "conflict",
}


def import_file(path: Path, name: str) -> ModuleType:
    """Import a file under a name that contains its hash, so that a changed file is imported again.

    Raises `RequestError` when it fails, imports a file beside it, or changes the state of the process.
    """
    from ganbench.guard.process_state import unchanged  # it loads torch, which only a user's file needs here

    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise RequestError(str(path), "Python can't import it")
    for imported, line in _imports(path):
        _check_alone(path, imported, line)
        if imported.startswith("ganbench."):  # loaded first, so that a change to it is noticed
            with suppress(Exception):
                importlib.import_module(imported)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look up their module while they are created
    try:
        with unchanged(str(path), importing=True):
            _execute(spec.loader, module, path)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _imports(path: Path) -> list[tuple[str, int]]:
    """Every module that a file imports anywhere, with its line; a relative one begins with a dot.

    Empty for a file that can't be parsed: its import says why.
    """
    found: list[tuple[str, int]] = []
    with suppress(SyntaxError, ValueError):
        for node in ast.walk(ast.parse(path.read_bytes())):
            match node:
                case ast.Import(names=names):
                    found += [(alias.name, node.lineno) for alias in names]
                case ast.ImportFrom(module=module, level=level):
                    found.append(("." * level + (module or ""), node.lineno))
    return found


def _check_alone(path: Path, module: str, line: int) -> None:
    """Raise `RequestError` for the import of a file that lies beside this one."""
    first = module.lstrip(".").partition(".")[0]
    beside = [place for place in (path.parent / f"{first}.py", path.parent / first) if first and place.exists()]
    if module.startswith(".") or (beside and not _is_elsewhere(first, path.parent)):
        name = beside[0].name if beside else module
        raise RequestError(
            str(path),
            f"line {line}: it imports {name}, a file beside it, and a run's id holds the hash of one file only",
            "a plug-in imports installed packages",
            f"put the code of {name} into {path.name}, or install it as a package",
        )


def _is_elsewhere(name: str, folder: Path) -> bool:
    """Whether Python finds a module of that name that is installed, or lies in another folder."""
    if name in importlib.metadata.packages_distributions():
        return True
    with suppress(ImportError, ValueError):
        spec = importlib.util.find_spec(name)
        if spec is not None:
            place = spec.origin or next(iter(spec.submodule_search_locations or ()), "")
            return folder.resolve() not in Path(place).resolve().parents[:2]
    return False


def _execute(loader: Loader, module: ModuleType, path: Path) -> None:
    try:
        loader.exec_module(module)
    except (Exception, SystemExit) as error:
        todo = "run the file with `python` to see the whole error"
        raise RequestError(str(path), reason(error, path), todo=todo) from None


def reason(error: BaseException, path: Path) -> str:
    """`line 3: NameError: name 'x' is not defined`, where the line is the last one of the traceback in the file."""
    if isinstance(error, SyntaxError):
        return f"line {error.lineno}: {error.msg}"
    lines, trace = [0], error.__traceback__
    while trace is not None:
        if Path(trace.tb_frame.f_code.co_filename).resolve() == path.resolve():
            lines.append(trace.tb_lineno)
        trace = trace.tb_next
    old = [name for name in RENAMED if isinstance(error, ImportError) and f"import name '{name}'" in str(error)]
    renamed = f" (it is now {RENAMED[old[0]]!r})" if old else ""
    return f"line {lines[-1]}: {type(error).__name__}: {error}{renamed}"
