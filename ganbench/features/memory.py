"""Which evaluators fit into memory, decided before anything is computed. Reads the system's free memory."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import get_args

from ganbench.datasets.base import SplitName
from ganbench.evaluators.base import Evaluator, Load
from ganbench.features.bank import Real

WIDTHS = {"classifier": 128, "dinov2": 1024}  # dimensions of learned features; of stacked images for each channel
WIDEST = 2048  # those of Inception, and what is assumed for a user's network
SHARE = 0.9  # of the free memory that a score may take
MEMINFO = Path("/proc/meminfo")
CGROUPS = (  # limit and use of the process's container, by version of the control groups
    (Path("/sys/fs/cgroup"), "memory.max", "memory.current"),
    (Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes", "memory.usage_in_bytes"),
)


def free_memory() -> int | None:
    """Bytes that this process can still use: the least of what the machine, the container and `ulimit -v` leave."""
    return min((*_machine(), *_containers(), *_process()), default=None)


def unfit(evaluators: Iterable[Evaluator], generated: int, real: Real) -> dict[str, str]:
    """The evaluators, by notation, that do not fit into the free memory, each with the reason."""
    free = free_memory()
    if free is None:
        return {}
    reasons = {}
    for evaluator in evaluators:
        load = _load(evaluator, generated, real)
        try:
            needed = evaluator.memory(load)
        except Exception as error:
            reasons[evaluator.notation()] = f"its `memory` failed with {type(error).__name__}: {error}"
            continue
        if needed > SHARE * free:
            reasons[evaluator.notation()] = (
                f"it needs about {_size(needed)} of memory for {generated} generated samples of {load.dimensions}"
                f" dimensions, and {_size(free)} are free; use fewer samples or features with fewer dimensions"
            )
    return reasons


def _load(evaluator: Evaluator, generated: int, real: Real) -> Load:
    names = evaluator.needs() or ("pixels",)
    pixels = math.prod(real.space.shape)
    stacked = real.space.stacked
    dimensions = max(pixels if name == "pixels" else WIDTHS.get(name, WIDEST) * stacked for name in names)
    data = {"train": real.data.train, "validation": real.data.validation, "test": real.data.test}
    return Load(generated, {name: len(data[name]) for name in get_args(SplitName)}, dimensions)


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count < 1e11 else f"{count / 1e9:.0f} GB"


def _machine() -> Iterator[int]:
    with suppress(OSError, ValueError):
        fields = dict(line.split(":", 1) for line in MEMINFO.read_text(encoding="utf-8").splitlines())
        if "MemAvailable" in fields:
            yield int(fields["MemAvailable"].split()[0]) * 1024
            return
    with suppress(AttributeError, OSError, ValueError):  # no /proc: the whole memory, as what is free is not known
        yield os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _containers() -> Iterator[int]:
    for folder, limit, used in CGROUPS:
        with suppress(OSError, ValueError):  # "max" where there is no limit
            left = _number(folder / limit) - _number(folder / used)
            fields = dict(line.split() for line in (folder / "memory.stat").read_text(encoding="utf-8").splitlines())
            yield max(left + int(fields.get("inactive_file", 0)), 0)  # the cache of files gives way


def _process() -> Iterator[int]:
    with suppress(ImportError, OSError, ValueError):
        import resource

        limit, _ = resource.getrlimit(resource.RLIMIT_AS)
        if limit != resource.RLIM_INFINITY:
            pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[0])
            yield max(limit - pages * os.sysconf("SC_PAGE_SIZE"), 0)


def _number(file: Path) -> int:
    return int(file.read_text(encoding="utf-8"))
