"""A component is one frozen dataclass in one file; its fields are its hyper-parameters, its kind the file's name."""

from __future__ import annotations

from abc import ABC
from dataclasses import MISSING, dataclass, fields
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from annotated_types import Ge, Gt, Le, Lt

if TYPE_CHECKING:
    from ganbench.spec import RunSpec

Positive = Annotated[float, Gt(0)]
NonNegative = Annotated[float, Ge(0)]
Fraction = Annotated[float, Ge(0), Le(1)]
Momentum = Annotated[float, Ge(0), Lt(1)]
Count = Annotated[int, Ge(1)]
Index = Annotated[int, Ge(0)]


@dataclass(frozen=True)
class Search:
    """Where `ganbench tune` looks for a field's value: `Annotated[Positive, Search(1e-5, 1e-2, log=True)]`."""

    low: float
    high: float
    log: bool = False  # evenly in the logarithm


@dataclass(frozen=True, kw_only=True)
class Component(ABC):
    """Base of variants, datasets, networks, optimizers and evaluators.

    A component is a value: it never prints, logs, reads the clock or the environment. Its `version` is part of the
    run id: raise it when the component's numbers change. A field that doesn't decide numbers (where a file lies) is
    declared with `field(metadata={"identity": False})`; what does decide them in its place is told by `identity`.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "strict": True, "allow_inf_nan": False}

    version: ClassVar[int]
    source: ClassVar[str]  # the paper and equation, or where the data come from
    digest: ClassVar[str] = ""  # SHA-256 of the file of a user's own component; empty for ganbench's own

    @classmethod
    def kind(cls) -> str:
        """The name used in a suite: the name of the file that defines the component."""
        return cls.__module__.rpartition(".")[2]

    def notation(self, hide: tuple[str, ...] = ()) -> str:
        """`lsgan`, or `lsgan[a=-1,c=0]`: the kind, every field that differs from its default, and a short identity."""
        changed = [
            f"{f.name}={_plain(getattr(self, f.name))}"
            for f in fields(self)
            if f.name not in hide and f.metadata.get("identity", True)
            if f.default is MISSING or getattr(self, f.name) != f.default
        ]
        changed += [f"{name}={value[:8]}" for name, value in self.identity().items()]
        return self.kind() + (f"[{','.join(changed)}]" if changed else "")

    def identity(self) -> dict[str, str]:
        """What decides the numbers besides the fields: `{"content": SHA-256}` of a user's file. Part of the run id."""
        return {}

    def objection(self, spec: RunSpec) -> str | None:
        """Why this component can't serve in this run, and what would; `None` when it can."""
        return None


def _plain(value: Any) -> str:
    """Numbers as one writes them (`2e-4` as 0.0002, `1.0` as 1), tuples as `128x128`."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        short = f"{value:g}"
        return short if float(short) == value else repr(value)
    if isinstance(value, tuple):
        return "x".join(map(_plain, value))
    return str(value)
