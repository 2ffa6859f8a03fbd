"""PyTorch's side: eager in both layouts, with each form of its optimizers, and compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from batches import Batches
from torch import nn


def version() -> str:
    return torch.__version__


def variants(work: dict[str, Any]) -> list[str]:
    """PyTorch's ways to do the work; the optimizer's form, the layout of images, compiled or not. The usual one first."""
    images = len(work["network"]["input"]) == 3
    if work["mode"] == "forward":
        return ["eager", *["channels_last"] * images, "compiled"]
    return ["fused", *["fused, channels_last"] * images, "fused, compiled", "foreach"]


def prepare(work: dict[str, Any], variant: str, threads: int) -> tuple[Callable[[], Any], int]:
    """A function that does the work, and how many units one call does."""
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(0)
    network, batches = work["network"], Batches(work["network"])
    model = _build(network)
    last = "channels_last" in variant
    if last:
        model = model.to(memory_format=torch.channels_last)
    run = torch.compile(model) if "compiled" in variant else model
    fresh = batches.fresh(as_lists=work["feeding"] == "lists")
    images = len(network["input"]) == 3

    def inputs(x: Any) -> torch.Tensor:
        tensor = torch.tensor(x) if isinstance(x, list) else torch.from_numpy(x)
        tensor = tensor.permute(0, 3, 1, 2) if images else tensor
        return tensor.contiguous(memory_format=torch.channels_last if last else torch.contiguous_format)

    if work["mode"] == "forward":
        model.eval()

        def forward() -> np.ndarray:
            with torch.no_grad():
                return run(inputs(fresh()[0])).numpy()

        return forward, 1
    kind, rate = network["optimizer"]
    form = {"foreach": True} if variant == "foreach" else {"fused": True}
    optimizer = (torch.optim.Adam if kind == "adam" else torch.optim.SGD)(model.parameters(), lr=rate, **form)
    distance = nn.MSELoss() if network["loss"] == "square" else nn.CrossEntropyLoss()

    def step() -> float:
        x, y = fresh()
        optimizer.zero_grad(set_to_none=True)
        loss = distance(run(inputs(x)), torch.tensor(y) if isinstance(y, list) else torch.from_numpy(y))
        loss.backward()
        optimizer.step()
        return loss.item()

    return step, 1


class _LastState(nn.Module):
    """An LSTM's last state h, of sequences [batch, steps, features]."""

    def __init__(self, features: int, units: int) -> None:
        super().__init__()
        self.layer = nn.LSTM(features, units, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        _, (h, _) = self.layer(x)
        return h[0]


def _build(network: dict[str, Any]) -> nn.Module:
    parts: list[nn.Module] = []
    *size, channels = network["input"]
    last = len(network["layers"]) - 1
    for i, (kind, *numbers) in enumerate(network["layers"]):
        if kind == "pad":
            before = (numbers[0] - size[0]) // 2
            after = numbers[0] - size[0] - before
            parts.append(nn.ZeroPad2d((before, after, before, after)))
            size = [numbers[0], numbers[0]]
        elif kind == "conv":
            parts += [nn.Conv2d(channels, numbers[1], numbers[0], padding="same"), nn.ReLU()]
            channels = numbers[1]
        elif kind == "pool":
            parts.append(nn.MaxPool2d(2, ceil_mode=True))
            size = [(n + 1) // 2 for n in size]
        elif kind == "flatten":
            parts.append(nn.Flatten())
            channels *= int(np.prod(size))
        elif kind == "dropout":
            parts.append(nn.Dropout(numbers[0]))
        elif kind == "lstm":
            parts.append(_LastState(channels, numbers[0]))
            channels = numbers[0]
        elif kind == "dense":
            parts += [nn.Linear(channels, numbers[0]), *([] if i == last else [nn.ReLU()])]
            channels = numbers[0]
    return nn.Sequential(*parts)
