"""A trial of the sweep benchmark in PyTorch, for the libraries that run such trials: eager, with the optimizer's fused form."""

from __future__ import annotations

from typing import Any

import torch
from batches import Batches
from torch import nn


def train(network: dict[str, Any], steps: int, rate: float) -> float:
    """The loss at the last step of a training with Adam."""
    batches = Batches(network)
    layers: list[nn.Module] = []
    width = network["input"][0]
    for _, units in network["layers"]:
        layers += [nn.Linear(width, units), nn.ReLU()]
        width = units
    model, distance = nn.Sequential(*layers[:-1]), nn.MSELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=rate, fused=True)
    x, y = torch.from_numpy(batches.x), torch.from_numpy(batches.y)
    loss = torch.tensor(0.0)
    for rows in torch.from_numpy(batches.indices(steps)):
        optimizer.zero_grad(set_to_none=True)
        loss = distance(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
    return loss.item()
