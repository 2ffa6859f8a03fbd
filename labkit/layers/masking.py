"""Masks: which steps of a sequence count. A mask belongs to a tensor and travels with it from layer to layer."""

from __future__ import annotations

from typing import Any

import labkit as lk
from labkit.core.nest import flatten, pack


def mask_of(tensor: Any) -> lk.Tensor | None:
    """The tensor's mask, bool [batch, steps] with True where a step counts; None where all do."""
    return tensor.graph.masks.get(tensor) if isinstance(tensor, lk.Tensor) else None


def masks_of(nest: Any) -> Any:
    """The masks in the structure of `nest`; None where none of its tensors has one."""
    masks = [mask_of(leaf) for leaf in flatten(nest)]
    return None if all(mask is None for mask in masks) else pack(nest, masks)


def set_mask(tensor: lk.Tensor, mask: lk.Tensor | None) -> None:
    """Gives the tensor a mask, or takes it away."""
    if mask is None:
        tensor.graph.masks.pop(tensor, None)
    else:
        tensor.graph.masks[tensor] = mask
