"""PyTorch's side: eager in both layouts, with each form of its optimizers, and compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from batches import PADDING, Batches, digits
from torch import nn
from torch.utils.data import DataLoader, Dataset

LOADERS = (0, 2)


def version() -> str:
    return torch.__version__


def variants(work: dict[str, Any]) -> list[str]:
    """PyTorch's ways to do the work; the optimizer's form, the layout of images, compiled or not. The usual one first. Of
    pipelines: the processes that load."""
    if work["feeding"] == "pipeline":
        return []
    if work["mode"] == "pipeline":
        return [f"DataLoader, {count} workers" for count in LOADERS]
    images = len(work["network"]["input"]) == 3
    if work["mode"] == "forward":
        return ["eager", *["channels_last"] * images, "compiled"]
    return ["fused", *["fused, channels_last"] * images, "fused, compiled", "foreach"]


def prepare(work: dict[str, Any], variant: str, threads: int) -> tuple[Callable[[], Any], int]:
    """A function that does the work, and how many units one call does."""
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(0)
    network = work["network"]
    if work["mode"] == "pipeline":
        return _pipeline(network, LOADERS[variants(work).index(variant)])
    model, batches = _build(network), Batches(network)
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


class _Augmented(Dataset):
    """Images that are changed one by one, as torchvision's transforms do it."""

    def __init__(self, images: torch.Tensor, labels: torch.Tensor) -> None:
        self.images, self.labels = images, labels

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        image = self.images[index]
        height, width = image.shape[1:]
        image = nn.functional.pad(image, (PADDING,) * 4)
        top, left = torch.randint(0, 2 * PADDING + 1, (2,)).tolist()
        image = image[:, top : top + height, left : left + width]
        if torch.rand(()) < 0.5:
            image = image.flip(-1)
        image = image.float()
        deviation, mean = torch.std_mean(image, correction=0)
        return (image - mean) / deviation.clamp(min=image.numel() ** -0.5), self.labels[index]


def _pipeline(network: dict[str, Any], workers: int) -> tuple[Callable[[], Any], int]:
    images, labels = map(torch.from_numpy, digits(network))
    data = _Augmented(images.permute(0, 3, 1, 2).contiguous(), labels)
    loader = DataLoader(
        data, network["batch"], shuffle=True, num_workers=workers, persistent_workers=workers > 0
    )  # processes start once, not with every epoch

    def epoch() -> None:
        for _ in loader:
            pass

    return epoch, len(data)


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
