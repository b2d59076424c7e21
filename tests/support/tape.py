"""A CUDA graph for the CPU: records every operation of a function on its tensors, and repeats them without Python.

What a CUDA graph can't hold is refused: a tensor's value read by Python, a tensor made of Python's numbers. What it
would freeze is frozen: numbers given to operations, and which operations there are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten

REFUSED = {"aten::_local_scalar_dense", "aten::lift_fresh", "aten::nonzero", "aten::equal"}

UNDECLARED = {"aten::native_batch_norm": ("running_mean", "running_var")}  # changed, but not so by its schema


@dataclass
class Tape:
    """The operations in order, each with its arguments and results, and what they changed in place while recorded."""

    operations: list[tuple[Any, Sequence[Any], dict[str, Any], list[Tensor]]] = field(default_factory=list)
    before: dict[int, tuple[Tensor, Tensor]] = field(default_factory=dict)  # by storage: the tensor and its old values
    made: set[int] = field(default_factory=set)  # storages that the function allocates

    def add(self, operation: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        schema = operation._schema
        if schema.name in REFUSED:
            raise RuntimeError(f"operation not permitted when stream is capturing: {schema.name}")
        given = dict(zip((argument.name for argument in schema.arguments), args, strict=False)) | kwargs
        for argument in schema.arguments:
            is_write = argument.alias_info is not None and argument.alias_info.is_write
            if argument.name in given and (is_write or argument.name in UNDECLARED.get(schema.name, ())):
                self._keep(given[argument.name])
        result = operation(*args, **kwargs)
        results = [leaf for leaf in tree_flatten(result)[0] if isinstance(leaf, Tensor)]
        aliases = any(returned.alias_info is not None for returned in schema.returns)
        self.operations.append((operation, args, kwargs, [] if aliases else results))
        self.made |= set() if aliases else {_storage(tensor) for tensor in results}
        return result

    def undo(self) -> None:
        """Restore what was changed in place, as capturing executes nothing."""
        for tensor, values in self.before.values():
            tensor.copy_(values)

    def repeat(self) -> None:
        """Every operation again, on the same tensors; the results are written to where they were."""
        with torch.no_grad():
            for operation, args, kwargs, places in self.operations:
                if torch.Tag.inplace_view in operation.tags:  # it changed the shape, once and for all
                    continue
                made = [leaf for leaf in tree_flatten(operation(*args, **kwargs))[0] if isinstance(leaf, Tensor)]
                for place, tensor in zip(places, made, strict=False):
                    if _storage(place) != _storage(tensor):  # a view of a tensor sees its new values by itself
                        place.copy_(tensor.reshape(place.shape))

    def _keep(self, changed: Any) -> None:
        for tensor in tree_flatten(changed)[0]:
            if isinstance(tensor, Tensor) and _storage(tensor) not in self.made | self.before.keys():
                self.before[_storage(tensor)] = (tensor.detach(), tensor.detach().clone())


class _Recorder(TorchDispatchMode):
    def __init__(self, tape: Tape) -> None:
        super().__init__()
        self.tape = tape

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return self.tape.add(func, args, kwargs or {})


def tape(function: Callable[[], Any]) -> Callable[[], Any]:
    """`function` as a tape: the `Record` of a place."""
    recorded = Tape()
    try:
        with _Recorder(recorded):
            made = function()
    finally:
        with torch.no_grad():
            recorded.undo()

    def replay() -> Any:
        recorded.repeat()
        return made

    return replay


def _storage(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()
