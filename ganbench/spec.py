"""A run's specification: `RunSpec`, its canonical JSON, its id and its columns in tables. It loads no torch."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import Field, dataclass, field, fields, is_dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, cast

from annotated_types import Ge, Le, Lt

from ganbench.annealing import FROM, Annealable, Annealing, read_annealing, written_name
from ganbench.text import number

if TYPE_CHECKING:
    from ganbench.augmentations.base import Augmentation
    from ganbench.datasets.base import Dataset, Space
    from ganbench.networks.base import Network
    from ganbench.optimizers.base import Optimizer, PlayerName
    from ganbench.penalties.base import Penalty
    from ganbench.variants.base import Variant

FORMAT = 1  # raise it when the meaning of a spec changes; every run id then changes
# The axes that decide every run's id.
AXES = ("variant", "dataset", "network", "batchnorm", "optimizer", "schedule", "batch", "steps", "seed")
ADDED_AXES = ("penalty", "augment")  # components that a run may have too
NONE = "none"  # the kind that is the absence of a component
# The axes that a grid may have too, with the value of other runs, which their files leave out.
UNSAVED: Mapping[str, str] = {**dict.fromkeys(ADDED_AXES, NONE), "precision": "float32"}
GRID_AXES = (AXES[0], *ADDED_AXES, *AXES[1:-1], "precision", AXES[-1])  # also the columns of a run in tables

# The metadata of an option that was added after a release, or of a part that not every run has.
ADDED: Mapping[str, Any] = {"identity": "changed"}

Seed = Annotated[int, Ge(0), Le(2**32 - 1)]
Precision = Literal["float32", "bf16"]
MemoryFormat = Literal["contiguous", "channels_last"]


@dataclass(frozen=True, kw_only=True)
class HalfLife:
    """The decay of a moving average by the updates after which half of the former mean is left: 2^(-1 / half-life).

    It may change during training. The decay of a half-life of 0 is 0.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "strict": True, "allow_inf_nan": False}

    half_life: Annealable[Annotated[float, Ge(0)]]

    def __str__(self) -> str:
        """`half-life 100`: as notations show it."""
        return f"half-life {self.half_life if isinstance(self.half_life, Annealing) else number(self.half_life)}"

    def at(self, step: int, steps: int) -> float:
        """The decay in a step (from 1) of a training of `steps` steps."""
        half_life: Any = self.half_life
        if isinstance(half_life, Annealing):
            half_life = half_life.at(step, steps)
        return 0.5 ** (1 / half_life) if half_life > 0 else 0.0


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Which player is updated when within one step; a step is `g_steps` generator updates.

    `order`: `d_first` and `g_first` update the players in turn; `simultaneous` takes both gradients at the same
    parameters.
    `d_steps`: discriminator updates per step; None takes the variant's own number (its `k` or `n_critic`; mostly 1).
    `reuse_z`: true: an update uses the latents of the other player's update just before it in the step, as the LSGAN
    authors' code does; `step`: all updates of a step use the same latents, as PacGAN's code for stacked MNIST does.
    `ema`: samples come from the moving average of G's parameters, with this decay per generator update, or with a
    `HalfLife`; 0 samples from G itself.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "strict": True, "allow_inf_nan": False}

    order: Literal["d_first", "g_first", "simultaneous"] = "d_first"
    d_steps: Annotated[int, Ge(1)] | None = None
    g_steps: Annotated[int, Ge(1)] = 1
    reuse_z: bool | Literal["step"] = False
    ema: Annotated[float, Ge(0), Lt(1)] | HalfLife = 0.0

    def conflict(self, spec: RunSpec) -> str | None:
        """Why this schedule can't be used in a run and what to use instead; `None` when it can be used."""
        several = self.g_steps > 1 or (self.d_steps or spec.variant.d_steps(1)) > 1
        if self.order == "simultaneous" and several:
            return "simultaneous updates take one step of each player; set d_steps and g_steps to 1, or another order"
        if self.reuse_z and spec.g_batch is not None:
            return (
                "reuse_z gives both players the same latents, so that their batches are of one size; leave out g_batch"
            )
        return None

    def notation(self) -> str:
        """`d_first`, or `simultaneous[reuse_z=true]`: the order and every other field that differs from its default."""
        changed = [
            f"{f.name}={value if isinstance(value, HalfLife) else json.dumps(value)}"
            for f in fields(self)
            if f.name != "order" and (value := getattr(self, f.name)) != f.default
        ]
        return self.order + (f"[{','.join(changed)}]" if changed else "")


@dataclass(frozen=True, kw_only=True)
class Arithmetic:
    """How the networks of a run compute.

    `precision`: `bf16` takes matrix products and convolutions of bfloat16 numbers; parameters, results and everything
    else stay in float32.
    `memory_format`: `channels_last` lays out images and convolutions with the channels last.
    """

    precision: Precision = "float32"
    memory_format: MemoryFormat = "contiguous"

    def conflict(self, space: Space) -> str | None:
        """Why such data can't be trained on in this way and what to use instead; `None` when they can."""
        if self.memory_format == "channels_last" and not space.is_image:
            return "channels_last is a layout of images, and the data are points; use contiguous"
        return None


@dataclass(frozen=True, kw_only=True)
class RunSpec:
    """Everything that decides a run's numbers and nothing else: no path, device, executor or suite name.

    Lengths are in steps, `batch` is in samples. Two runs that differ only in `seed` have different data, latents and
    initial weights; two runs that differ only in the variant have the same ones.
    """

    variant: Variant
    dataset: Dataset
    network: Network
    optimizer: Optimizer
    batch: Annotated[int, Ge(1)] = 64
    steps: Annotated[int, Ge(1)] = 1000
    seed: Seed = 0
    schedule: Schedule = field(default_factory=Schedule)
    # No fields: only an `ExtendedRunSpec` has other values, so the ids of all others stay.
    arithmetic = Arithmetic()
    penalty = cast("Penalty | None", None)
    augment = cast("Augmentation | None", None)
    g_batch = cast("int | None", None)

    @property
    def stackable(self) -> bool:
        """Whether runs that differ in their seed may be trained as one program."""
        return self.variant.stackable and self.arithmetic.memory_format == "contiguous"

    def batch_of(self, player: PlayerName) -> int:
        """The size of the batches of a player's updates."""
        return self.g_batch if player == "g" and self.g_batch is not None else self.batch

    def canonical(self) -> dict[str, Any]:
        """The spec as plain JSON values, with all defaults and the kind and version of each component."""
        return {"format": FORMAT} | {f.name: plain(getattr(self, f.name)) for f in fields(self) if _counts(f, self)}

    def components(self) -> dict[str, Variant | Penalty | Augmentation | Dataset | Network | Optimizer]:
        """What the run is made of, by axis."""
        parts = {axis: getattr(self, axis) for axis in ("variant", *ADDED_AXES, "dataset", "network", "optimizer")}
        return {axis: part for axis, part in parts.items() if part is not None}

    def run_id(self) -> str:
        """A readable prefix and 10 hex digits of the SHA-256 of the canonical JSON."""
        digest = hashlib.sha256(canonical_json(self.canonical()).encode()).hexdigest()
        bn = {"none": "bn0", "generator": "bng", "discriminator": "bnd", "both": "bngd"}[self.network.batchnorm]
        kinds = (part.kind() for part in (self.variant, self.penalty, self.augment, self.dataset) if part)
        return "-".join((*kinds, bn, self.optimizer.kind(), f"s{self.seed}", digest[:10]))

    def columns(self) -> dict[str, Any]:
        """The run's value on each of `GRID_AXES`, as tables show it. Batch, steps and seed are numbers."""
        return {
            "variant": self.variant.notation(),
            "penalty": self.penalty.notation() if self.penalty else NONE,
            "augment": self.augment.notation() if self.augment else NONE,
            "dataset": self.dataset.notation(),
            "network": self.network.notation(hide=("batchnorm",)),
            "batchnorm": self.network.batchnorm,
            "optimizer": self.optimizer.notation(),
            "schedule": self.schedule.notation(),
            "batch": self.batch,
            "steps": self.steps,
            "precision": self.arithmetic.precision,
            "seed": self.seed,
        }


@dataclass(frozen=True, kw_only=True)
class ExtendedRunSpec(RunSpec):
    """A run with something that not every run has. `run_spec` makes it."""

    arithmetic: Arithmetic = field(default=RunSpec.arithmetic, metadata=ADDED)
    penalty: Penalty | None = field(default=None, metadata=ADDED)
    augment: Augmentation | None = field(default=None, metadata=ADDED)
    g_batch: Annotated[int, Ge(2)] | None = field(default=None, metadata=ADDED)  # of G's updates; None: `batch`


def run_spec(*, arithmetic: Arithmetic = RunSpec.arithmetic, g_batch: int | None = None, **parts: Any) -> RunSpec:
    """The run with these parts; equal runs are equal values.

    The kind `none` of an added axis is no component, and a `g_batch` of the size of `batch` is none.
    """
    added = {axis: part for axis in ADDED_AXES if (part := parts.pop(axis, None)) is not None and part.kind() != NONE}
    if g_batch == parts.get("batch", RunSpec.batch):
        g_batch = None
    if arithmetic == RunSpec.arithmetic and g_batch is None and not added:
        return RunSpec(**parts)
    return ExtendedRunSpec(arithmetic=arithmetic, g_batch=g_batch, **added, **parts)


def saved_columns(spec: RunSpec) -> dict[str, Any]:
    """The columns as a run's files hold them: without the axes of `UNSAVED` on which the run has the value there."""
    return {axis: value for axis, value in spec.columns().items() if value != UNSAVED.get(axis)}


def all_columns(saved: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that were saved, with the value on every axis of `UNSAVED`."""
    head = {axis: saved.get(axis, UNSAVED.get(axis)) for axis in GRID_AXES if axis in saved or axis in UNSAVED}
    return head | dict(saved)


def flattened(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """The values within nested mappings, by dotted names: `variant.gp_weight`. A list is one value."""
    if not isinstance(value, Mapping):
        yield name, value
        return
    for key, inner in value.items():
        yield from flattened(inner, f"{name}.{key}" if name else key)


def varying(rows: Iterable[Mapping[str, Any]], columns: Iterable[str] = GRID_AXES) -> tuple[str, ...]:
    """The columns in which the rows have more than one value, in the order given."""
    rows = tuple(rows)
    return tuple(name for name in columns if len({row[name] for row in rows}) > 1)


def plain(value: Any, *, complete: bool = False) -> Any:
    """A dataclass, tuple or number as JSON values. A whole float becomes an integer, so that 1 and 1.0 are one value.

    A component is written with its `identity()` and without the fields that are not part of it (see `Component`). With
    `complete` it is written with every field unchanged, and `Registry.build` makes an equal component of it.
    """
    if is_dataclass(value) and not isinstance(value, type):
        written = (f for f in fields(value) if complete or _counts(f, value))
        body = {written_name(f): plain(getattr(value, f.name), complete=complete) for f in written}
        return _head(value, complete) | body
    if isinstance(value, (tuple, list)):
        return [plain(item, complete=complete) for item in value]
    if isinstance(value, float) and not complete:
        if not math.isfinite(value):
            raise ValueError(f"a spec holds finite numbers only, not {value}")
        return int(value) if value.is_integer() else value
    return value


def revived(value: Any) -> Any:
    """An option's value as it was before `plain` wrote it: a list was a tuple, a mapping one, or one of two types."""
    if isinstance(value, Mapping):
        if FROM in value:
            return read_annealing(value, revived)
        parts = {name: revived(part) for name, part in value.items()}
        return HalfLife(**parts) if set(parts) == {"half_life"} else parts
    return tuple(map(revived, value)) if isinstance(value, list) else value


def _counts(option: Field[Any], owner: Any) -> bool:
    """Whether the owner's value of an option is part of its id."""
    mark = option.metadata.get("identity", True)
    return bool(getattr(owner, option.name) != option.default if mark == "changed" else mark)


def _head(value: Any, complete: bool) -> dict[str, Any]:
    """A component's kind and, for its id, its version, its identity and the digest of a user's own file."""
    if getattr(value, "kind", None) is None:
        return {}
    if complete:
        return {"kind": value.kind()}
    digest = {"digest": value.digest} if value.digest else {}
    return {"kind": value.kind(), "version": type(value).version, **digest, **value.identity()}


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no spaces: the text that is hashed."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
