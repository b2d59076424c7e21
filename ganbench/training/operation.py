"""One operation of torch, as a tape holds it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from torch import Tensor
from torch.utils._pytree import tree_leaves

UNDECLARED = {"aten::native_batch_norm": ("running_mean", "running_var")}  # changed, but not so by its schema


Layout = tuple[tuple[int, ...], tuple[int, ...], int]  # a tensor's size, strides and offset


class Operation(NamedTuple):
    """One call of an operation of torch."""

    call: Any
    args: Sequence[Any]
    kwargs: dict[str, Any]
    result: Any
    layouts: Sequence[Layout]  # of the tensors in `result`, as they were returned

    @classmethod
    def executed(cls, call: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Operation:
        """Call an operation."""
        result = call(*args, **kwargs)
        layouts = [(tuple(t.size()), t.stride(), int(t.storage_offset())) for t in tensors(result)]
        return cls(call, args, kwargs, result, layouts)

    @property
    def results(self) -> list[Tensor]:
        """Tensors that it returned and was not given."""
        given = {id(tensor) for tensor in self.given}
        return [tensor for tensor in tensors(self.result) if id(tensor) not in given]

    @property
    def given(self) -> list[Tensor]:
        """Tensors among its arguments."""
        return tensors((self.args, self.kwargs))

    @property
    def changed(self) -> list[Tensor]:
        """Tensors among its arguments that it changes in place."""
        return changed(self.call, self.args, self.kwargs)

    @property
    def is_view(self) -> bool:
        """Whether it only looks at its argument in another shape."""
        returned = [returned.alias_info for returned in self.call._schema.returns]
        return bool(returned) and all(alias is not None and not alias.is_write for alias in returned)


def changed(call: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> list[Tensor]:
    """Tensors among the arguments that a call of an operation changes in place."""
    schema = call._schema
    given = dict(zip((argument.name for argument in schema.arguments), args, strict=False)) | kwargs
    written = {a.name for a in schema.arguments if a.alias_info is not None and a.alias_info.is_write}
    return tensors([given.get(name) for name in (*written, *UNDECLARED.get(schema.name, ()))])


def tensors(tree: Any) -> list[Tensor]:
    """The tensors of a tree, in its order."""
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor)]


def place(tensor: Tensor) -> int:
    """Where a tensor's numbers lie; views of one tensor have one place."""
    return tensor.untyped_storage().data_ptr()
