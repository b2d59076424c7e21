"""The settings of the process that every run reads: how each is read, set back, and what to do instead of it."""

from __future__ import annotations

import locale
import os
import random
import re
import signal
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn.modules import module as module_hooks
from torch.optim import optimizer as optimizer_hooks


@dataclass(frozen=True)
class Setting:
    """One setting: how to read it as a value that can be compared, how to set it, and what to do instead."""

    read: Callable[[], Any]
    write: Callable[[Any], object]
    todo: str = "set it in a `with` block around the lines that need it, if at all"
    loading: bool = False  # libraries change it when they are loaded; then it is only set back


def _set_device(device: torch.device) -> None:
    torch.set_default_device(None if device.type == "cpu" else device)


def _numpy_random() -> tuple[Any, ...]:
    name, keys, *rest = np.random.get_state(legacy=True)
    return (name, np.asarray(keys).tobytes(), *rest)


def _set_numpy_random(state: tuple[Any, ...]) -> None:
    name, keys, *rest = state
    np.random.set_state((name, np.frombuffer(keys, np.uint32), *rest))


def _torch_random() -> bytes:
    return bytes(torch.get_rng_state().numpy().tobytes())


def _set_torch_random(state: bytes) -> None:
    torch.set_rng_state(torch.frombuffer(bytearray(state), dtype=torch.uint8))


def _hooks() -> tuple[dict[int, Any], ...]:
    return tuple(dict(table) for table in _hook_tables())


def _set_hooks(state: tuple[dict[int, Any], ...]) -> None:
    for table, before in zip(_hook_tables(), state, strict=True):
        table.clear()
        table.update(before)


def _hook_tables() -> list[dict[int, Any]]:
    names = sorted({**vars(module_hooks), **vars(optimizer_hooks)}.items())
    return [table for name, table in names if re.fullmatch(r"_global_\w*hooks", name)]


def _signals() -> dict[int, Any]:
    return {number: signal.getsignal(number) for number in signal.valid_signals()}


def _set_signals(state: Mapping[int, Any]) -> None:
    for number, handler in state.items():
        if signal.getsignal(number) is not handler and handler is not None:
            signal.signal(number, handler)


def _set_filters(state: tuple[Any, ...]) -> None:
    with warnings.catch_warnings():  # leaving the block makes Python forget what it had decided by the old filters
        pass
    vars(warnings)["filters"][:] = state
    with warnings.catch_warnings():
        pass


def _set_deterministic(state: tuple[bool, bool]) -> None:
    torch.use_deterministic_algorithms(state[0], warn_only=state[1])


def _flushes_denormals() -> bool:
    return bool((torch.tensor(1e-310, dtype=torch.float64) * 1.0).item() == 0.0)


def _backend(owner: Any, name: str) -> Setting:
    return Setting(lambda: getattr(owner, name), lambda value: setattr(owner, name, value))


def _autocast(device: str) -> Setting:
    return Setting(lambda: torch.is_autocast_enabled(device), lambda value: torch.set_autocast_enabled(device, value))


DRAWS = "draw from a generator of its own: `torch.Generator().manual_seed(...)`, `numpy.random.default_rng(...)`"
SETTINGS: dict[str, Setting] = {
    "torch's default dtype": Setting(
        torch.get_default_dtype, torch.set_default_dtype, "give `dtype=` where a tensor is made"
    ),
    "torch's default device": Setting(
        torch.get_default_device, _set_device, "give `device=` where a tensor is made, or leave devices to the trainer"
    ),
    "torch's number of threads": Setting(
        torch.get_num_threads, torch.set_num_threads, "leave it to `ganbench run --workers`"
    ),
    "torch's deterministic algorithms": Setting(
        lambda: (torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()),
        _set_deterministic,
    ),
    "torch's float32 matmul precision": Setting(
        torch.get_float32_matmul_precision, torch.set_float32_matmul_precision
    ),
    **{f"torch.backends.cudnn.{name}": _backend(torch.backends.cudnn, name)
       for name in ("enabled", "benchmark", "deterministic", "allow_tf32")},
    "torch's gradient mode": Setting(
        torch.is_grad_enabled, torch._C._set_grad_enabled, "use `with torch.no_grad():` around the lines that need it"
    ),
    **{f"torch's autocast on {device}": _autocast(device) for device in ("cpu", "cuda")},
    "torch's rounding of denormal numbers": Setting(_flushes_denormals, torch.set_flush_denormal),
    "torch's hooks of all modules and optimizers": Setting(_hooks, _set_hooks, "register the hook on its own module"),
    "torch's global random numbers": Setting(
        _torch_random, _set_torch_random, f"{DRAWS}; dropout and other random layers draw from the global ones"
    ),
    "numpy's global random numbers": Setting(_numpy_random, _set_numpy_random, DRAWS),
    "Python's global random numbers": Setting(random.getstate, random.setstate, DRAWS, loading=True),
    "numpy's handling of floating-point errors": Setting(
        np.geterr, lambda state: np.seterr(**state), "use `with numpy.errstate(...):` around the lines that need it"
    ),
    "the working directory": Setting(os.getcwd, os.chdir, "use absolute paths"),
    "the locale": Setting(
        lambda: locale.setlocale(locale.LC_ALL), lambda value: locale.setlocale(locale.LC_ALL, value)
    ),
    "the handlers of signals": Setting(_signals, _set_signals, "leave signals to ganbench"),
    "the filters of warnings": Setting(
        lambda: tuple(warnings.filters), _set_filters, "use `with warnings.catch_warnings():`", loading=True
    ),
}  # fmt: skip
