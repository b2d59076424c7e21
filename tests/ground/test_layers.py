"""The plan of the house: imports point one way, heavy libraries stay in their rooms, and files stay small.

Everything is read off the source text with `ast`; one test starts a process to see what the command really imports.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Literal

import pytest

import ganbench

ROOT = Path(ganbench.__file__).parent
FAMILIES = ("variants", "datasets", "networks", "optimizers", "evaluators")
BASES = frozenset(f"{family}.base" for family in (*FAMILIES, "executors"))

# Who may import whom when it runs: a unit is a module or a folder of `ganbench`, its own parts aside; `base` modules,
# which hold types, are units too. An import under TYPE_CHECKING costs nothing and is free, except between families.
MAY_IMPORT = {
    "errors": "",
    "budget": "",
    "spec": "",
    "rng": "",
    "component": "",
    "stats": "",
    "outcomes": "",
    "pictures": "",
    "questions": "outcomes",
    "environment": "",
    "devices": "errors",
    "records": "",
    "store": "errors records",
    "table": "errors",
    "options": "component spec",
    "plugins": "component errors options",
    "job": "component spec",
    "tensors": "errors store",
    "scores": "evaluators.base",
    "plan": "errors job store",
    **{base: "component" for base in BASES - {"executors.base"}},
    "variants": "component rng variants.base",
    "datasets": "component datasets.base errors rng",
    "networks": "component networks.base",
    "optimizers": "component optimizers.base",
    "evaluators": "component datasets.base errors evaluators.base rng store",
    "training": "datasets.base networks.base optimizers.base rng spec variants.base",
    "suite": "component datasets.base errors evaluators.base networks.base options outcomes plugins questions spec "
    "variants.base",
    "recorder": "budget evaluators job pictures rng scores spec store tensors training variants.base",
    "worker": "datasets.base environment errors evaluators job plan recorder store tensors training",
    "serve": "job plugins store worker",
    "executors.base": "job",
    "executors": "errors executors.base job store worker",
    "progress": "executors.base",
    "tracking": "errors spec store",
    "report": "errors outcomes questions spec stats table",
    "watch": "errors",
    "tuning": "component errors options plan rng spec",
    "run": "datasets.base evaluators executors.base job plan progress scores store tracking",
    "evaluate": "datasets datasets.base errors evaluators evaluators.base plugins suite",
    "parity": "datasets.base evaluators evaluators.base plugins rng",
    "commands": "datasets datasets.base devices errors evaluate evaluators executors executors.base parity pictures "
    "plugins progress report run store suite table tracking tuning watch",
    "cli": "commands errors",
    "testing": "component datasets datasets.base evaluators.base job networks networks.base optimizers optimizers.base "
    "options plugins rng spec training variants variants.base",
}
ROOMS = {  # a library and the units that may import it
    "pydantic": {"suite"},
    "ruamel": {"suite"},
    "mlflow": {"tracking"},
    "ray": {"executors"},
    "click": {"cli", "commands"},
    "rich": {"progress", "watch"},
    "optuna": {"tuning"},
    "sklearn": {"datasets", "evaluators"},
    "torchvision": {"datasets"},
    "torch_fidelity": {"evaluators"},
    "scipy": {"stats", "evaluators"},
    "pandas": {"table", "report"},
    "PIL": {"pictures", "datasets", "report"},
    "pickle": set(),
    "joblib": set(),
    "random": set(),
}
WITHOUT_TORCH = (
    *(
        "cli",
        "commands.reading",
        "commands.running",
        "commands.scoring",
        "component",
        "devices",
        "errors",
        "executors.base",
        "executors.local",
        "job",
        "options",
        "plan",
    ),
    *("outcomes", "plugins", "progress", "report", "report.show", "spec", "stats", "store", "table", "tracking"),
)
HEAVY = ("torch", "numpy", "scipy", "pandas", "mlflow", "pydantic", "ruamel", "sklearn", "PIL", "rich", "matplotlib")


@dataclass(frozen=True)
class Import:
    """One import: which module, and when: as the file is imported, within a function, or for type checkers only."""

    module: str
    when: Literal["top", "late", "types"]


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def sources() -> list[Path]:
    return sorted(ROOT.rglob("*.py"))


def named(path: Path) -> str:
    """`evaluators.fid`, `suite`, and `__init__` for ganbench itself."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if len(parts) > 1 and parts[-1] == "__init__" else parts)


def unit(module: str) -> str:
    return module if module in BASES else module.partition(".")[0]


MODULES = {named(path): path for path in sources()}


@cache
def imports(module: str) -> tuple[Import, ...]:
    """What a module of ganbench imports; names within ganbench without its prefix."""
    return tuple(_walk(parsed(MODULES[module]), "top"))


def _walk(node: ast.AST, when: Literal["top", "late", "types"]) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.Import(names=names):
                yield from (Import(_own(alias.name), when) for alias in names)
            case ast.ImportFrom(module=str(source), names=names, level=0):
                parts = [_own(f"{source}.{alias.name}") for alias in names]
                yield from (Import(part if part in MODULES else _own(source), when) for part in parts)
            case ast.ImportFrom():
                raise AssertionError("a relative import hides where it points")
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                yield from _walk(child, "types")
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                yield from _walk(child, "late" if when == "top" else when)
            case _:
                yield from _walk(child, when)


def _own(module: str) -> str:
    """`store` for `ganbench.results.store`, `__init__` for `ganbench`, and `torch.nn` as it is."""
    return "__init__" if module == "ganbench" else module.removeprefix("ganbench.")


def brought(module: str) -> set[str]:
    """Every module, of ganbench or not, that importing one brings along (packages above it included)."""
    seen: set[str] = set()
    todo = [module]
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        if name in MODULES:
            above = name.rpartition(".")[0]
            todo += [above] if above else []
            todo += [one.module for one in imports(name) if one.when == "top"]
    return seen


every_module = pytest.mark.parametrize("module", MODULES)


# --- layers ---


def test_every_unit_has_its_place() -> None:
    assert {unit(module) for module in MODULES} - {"__init__"} == set(MAY_IMPORT)


def test_the_plan_has_no_circle() -> None:
    assert list(TopologicalSorter({name: may.split() for name, may in MAY_IMPORT.items()}).static_order())
    assert not MAY_IMPORT["errors"] and not MAY_IMPORT["spec"] and not MAY_IMPORT["rng"], "they stand on the ground"


@pytest.mark.parametrize("package", sorted({name.partition(".")[0] for name in MODULES if "." in name}))
def test_no_package_turns_in_a_circle(package: str) -> None:
    """Imports for type checkers count here too."""
    own = [name for name in MODULES if name.startswith(f"{package}.")]
    assert list(
        TopologicalSorter({name: {one.module for one in imports(name)} & set(own) for name in own}).static_order()
    )


@every_module
def test_imports_point_one_way(module: str) -> None:
    own = unit(module)
    used = {unit(one.module) for one in imports(module) if one.when != "types" and one.module in MODULES}
    wrong = used - {own, "__init__", *MAY_IMPORT.get(own, "").split()}
    assert not wrong, f"ganbench.{module} imports {', '.join(sorted(wrong))}, which {own} may not"


@pytest.mark.parametrize("module", [name for name in MODULES if name.partition(".")[0] in FAMILIES])
def test_families_meet_in_base_modules_only(module: str) -> None:
    """Type checkers' imports count here too: a family knows another by its base types."""
    own = module.partition(".")[0]
    met = {one.module for one in imports(module) if one.module in MODULES}
    strangers = {name for name in met if name.partition(".")[0] in FAMILIES and name.partition(".")[0] != own}
    assert strangers <= BASES, f"ganbench.{module} imports {', '.join(sorted(strangers - BASES))}"


@pytest.mark.parametrize("library", ROOMS)
def test_a_library_stays_in_its_room(library: str) -> None:
    users = {unit(m) for m in MODULES for one in imports(m) if one.module.partition(".")[0] == library
             and one.module not in MODULES and one.when != "types"}  # fmt: skip
    folders = {name.partition(".")[0] for name in users}
    assert folders <= ROOMS[library], f"{library} is imported by {', '.join(sorted(folders - ROOMS[library]))}"


@pytest.mark.parametrize("module", WITHOUT_TORCH)
def test_no_torch_comes_along(module: str) -> None:
    assert not {
        name for name in brought(module) if name.partition(".")[0] in ("torch", "torchvision", "torch_fidelity")
    }


def test_the_command_imports_nothing_heavy() -> None:
    assert not {name.partition(".")[0] for name in brought("cli")} & set(HEAVY)
    show = "import ganbench.cli, sys; print(*sys.modules); sys.argv[1:] = ['--help']; ganbench.cli.main()"
    done = subprocess.run([sys.executable, "-c", show], capture_output=True, text=True, check=True, timeout=60)
    modules, _, answer = done.stdout.partition("\n")
    assert not {name.partition(".")[0] for name in modules.split()} & set(HEAVY)
    assert "Usage" in answer


# --- sizes ---


def is_component_file(path: Path) -> bool:
    return path.parent.name in FAMILIES and not path.name.startswith("_") and path.stem not in ("base", "features")


@every_module
def test_files_are_small(module: str) -> None:
    path = MODULES[module]
    lines, most = len(path.read_text().splitlines()), 100 if is_component_file(path) else 300
    assert lines < most, f"{path.relative_to(ROOT)} has {lines} lines; a file of its kind has fewer than {most}"


@every_module
def test_functions_are_small(module: str) -> None:
    long = [f"{f.name} ({length(f)} lines)" for f in functions(module) if length(f) >= 40]
    wide = [f"{f.name} ({parameters(f)} parameters)" for f in functions(module) if parameters(f) > 5]
    assert not long, f"ganbench.{module}: functions of 40 lines or more: {', '.join(long)}"
    assert not wide, f"ganbench.{module}: more than 5 parameters: {', '.join(wide)}"


def functions(module: str) -> list[ast.FunctionDef]:
    return [node for node in ast.walk(parsed(MODULES[module])) if isinstance(node, ast.FunctionDef)]


def length(function: ast.FunctionDef) -> int:
    return (function.end_lineno or 0) - function.lineno + 1


def parameters(function: ast.FunctionDef) -> int:
    """How many there are besides self or cls, starred ones included."""
    given = function.args
    named_ones = [arg.arg for arg in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    starred = [arg for arg in (given.vararg, given.kwarg) if arg]
    return len(named_ones) + len(starred) - (named_ones[:1] in (["self"], ["cls"]))


# --- habits ---


@every_module
def test_names_and_calls_keep_the_habits(module: str) -> None:
    tree = parsed(MODULES[module])
    names = [n.name for n in ast.walk(tree) if isinstance(n, ast.ClassDef)] + [module.rpartition(".")[2]]
    vague = [name for name in names if any(word in name.lower() for word in ("manager", "helper", "util"))]
    assert not vague, f"ganbench.{module}: a name that says nothing: {vague}"
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        text = ast.unparse(call.func)
        assert text != "hasattr", f"ganbench.{module}:{call.lineno} asks with hasattr"
        if text == "torch.load":
            safe = any(k.arg == "weights_only" and ast.unparse(k.value) == "True" for k in call.keywords)
            assert safe, f"ganbench.{module}:{call.lineno} loads without weights_only=True"
    chained = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)
               and ast.unparse(node.value) == "super()" and node.attr != "__init__"]  # fmt: skip
    assert not chained, f"ganbench.{module} overrides and calls on: {chained}"


@pytest.mark.parametrize("path", [path for path in sources() if is_component_file(path)], ids=lambda path: named(path))
def test_components_are_pure(path: Path) -> None:
    """No clock, environment, log or chance of their own: datasets may name paths, which their shared parts read."""
    used = {one.module.partition(".")[0] for one in imports(named(path))}
    assert not used & {"os", "time", "datetime", "logging", "random", "subprocess", "warnings", "socket", "tempfile"}
    assert path.parent.name == "datasets" or "pathlib" not in used


def test_this_file_sees_what_it_looks_for() -> None:
    assert {"torch", "variants.base"} <= {one.module for one in imports("training.trainer")} | brought(
        "training.trainer"
    )
    assert "torch" in brought("worker") and "torch" not in brought("spec")
    assert Import("spec", "types") in imports("component")
    assert any(one.when == "late" for one in imports("commands.reading"))
    assert max(length(function) for function in functions("cli")) > 3
