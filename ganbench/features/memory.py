"""Which evaluators fit into memory, decided before anything is computed. Reads the free memory of system and GPU."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import get_args

import torch

from ganbench.datasets.base import Space, SplitName
from ganbench.evaluators.base import Evaluator, Load
from ganbench.features.bank import Real

WIDTHS = {
    "classifier": 128,
    "dinov2": 1024,
    "clip_l14_336": 768,
    "efficientnet_lite0": 1280,
    "lpips": 499_712,
}  # dimensions of learned features; of stacked images for each channel
WIDEST = 2048  # those of Inception, and what is assumed for a user's network
SHARE = 0.9  # of the free memory that a score may take
MEMINFO = Path("/proc/meminfo")
MEMBERSHIP = Path("/proc/self/cgroup")  # the process's control groups: `0::/a/b` in version 2, `7:memory:/a/b` in 1
CGROUPS = {  # the folder of groups, the names of a group's limit and use, and the recoverable part of its memory.stat
    2: (Path("/sys/fs/cgroup"), "memory.max", "memory.current", "inactive_file"),
    1: (Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
}


def free_memory() -> int | None:
    """Bytes that this process can still use: the least of what the machine, the container and `ulimit -v` leave."""
    return min((*_machine(), *_containers(), *_process()), default=None)


def free_on(device: str) -> int | None:
    """Bytes that this process can still use on a GPU, with those that torch keeps for it; None for the CPU."""
    if torch.device(device).type != "cuda":
        return None
    kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return torch.cuda.mem_get_info(device)[0] + kept


def unfit(evaluators: Iterable[Evaluator], generated: int, real: Real) -> dict[str, str]:
    """The evaluators, by notation, that do not fit into the free memory, each with the reason.

    Of several processes on a machine each has its share at most, which the bank states. On a GPU the share alone
    counts, so that it does not depend on what the others hold just then; running out of memory there is an error.
    """
    bank, data = real.bank, real.data
    free = {
        "memory": _least(free_memory(), bank.memory),
        f"memory of {bank.device}": free_on(bank.device) if bank.device_memory is None else bank.device_memory,
    }
    splits = {"train": data.train, "validation": data.validation, "test": data.test}
    sizes: dict[SplitName, int] = {name: len(splits[name]) for name in get_args(SplitName)}
    loads = ((evaluator, _load(evaluator, generated, sizes, real.space)) for evaluator in evaluators)
    reasons = ((evaluator.notation(), _reason(evaluator, load, free)) for evaluator, load in loads)
    return {name: reason for name, reason in reasons if reason}


def unfit_for(space: Space, evaluators: Iterable[Evaluator], generated: int, share: int | None) -> dict[str, str]:
    """The evaluators that do not fit into a share of memory whatever the number of real samples, each with the reason.

    It needs no data, so it can be known before a run is trained.
    """
    loads = ((evaluator, _load(evaluator, generated, {}, space)) for evaluator in evaluators)
    reasons = ((evaluator.notation(), _reason(evaluator, load, {"memory": share})) for evaluator, load in loads)
    return {name: reason for name, reason in reasons if reason}


def _reason(evaluator: Evaluator, load: Load, free: Mapping[str, int | None]) -> str | None:
    """Why a score does not fit into the free bytes of some kinds of memory (None: unlimited), or None."""
    try:
        needed = evaluator.memory(load)
    except Exception as error:
        return f"its `memory` failed with {type(error).__name__}: {error}"
    for kind, limit in free.items():
        if limit is not None and needed > SHARE * limit:
            return (
                f"it needs about {_size(needed)} of {kind} for {load.generated} generated samples of {load.dimensions}"
                f" dimensions, and {_size(limit)} are free; use fewer samples or features with fewer dimensions"
            )
    return None


def _load(evaluator: Evaluator, generated: int, splits: Mapping[SplitName, int], space: Space) -> Load:
    pixels, names = math.prod(space.shape), evaluator.needs() or ("pixels",)
    widths = [pixels if name == "pixels" else WIDTHS.get(name, WIDEST) * space.stacked for name in names]
    return Load(generated, splits, max(widths))


def _least(*limits: int | None) -> int | None:
    return min((limit for limit in limits if limit is not None), default=None)


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
    """What the process's control groups leave. Each group limits those below it."""
    for version, path in _groups():
        root, limit, used, recoverable = CGROUPS[version]
        for place in (path, *path.parents):
            folder = root / place
            with suppress(OSError, ValueError):  # "max" where there is no limit
                left = _number(folder / limit) - _number(folder / used)
                lines = (folder / "memory.stat").read_text(encoding="utf-8").splitlines()
                yield max(left + int(dict(line.split() for line in lines).get(recoverable, 0)), 0)


def _groups() -> Iterator[tuple[int, PurePosixPath]]:
    """The process's groups for memory, by version, relative to the root; in a container the root may be its own."""
    lines: list[str] = []
    with suppress(OSError):
        lines = MEMBERSHIP.read_text(encoding="utf-8").splitlines()
    yield from ((version, PurePosixPath()) for version in CGROUPS)
    for number, controllers, path in (line.split(":", 2) for line in lines if line.count(":") >= 2):
        if ".." not in path and (number == "0" or "memory" in controllers.split(",")):
            yield (2 if number == "0" else 1), PurePosixPath(path.lstrip("/"))


def _process() -> Iterator[int]:
    with suppress(ImportError, OSError, ValueError):
        import resource

        limit, _ = resource.getrlimit(resource.RLIMIT_AS)
        if limit != resource.RLIM_INFINITY:
            pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[0])
            yield max(limit - pages * os.sysconf("SC_PAGE_SIZE"), 0)


def _number(file: Path) -> int:
    return int(file.read_text(encoding="utf-8"))
