"""PyTorch's side of test_training_accuracy: run by an interpreter that has torch, it needs nothing of labkit.

    python torch_losses.py NETWORK.npz

prints the losses of training in float32 and in float64 as JSON, and how far float32's weights are from float64's in the end, as
a share of the way that these have gone.
"""

from __future__ import annotations

import json
import sys

import numpy as np
import torch
import torch.nn.functional as F


def train(network: dict[str, np.ndarray], dtype: torch.dtype) -> tuple[list[float], np.ndarray]:
    """The loss at each step of gradient descent, before the step; and all weights in the end."""
    convolutions, activation = int(network["convolutions"]), str(network["activation"])
    smooth = {"softplus": F.softplus, "tanh": torch.tanh}[activation]
    weights, biases = (
        [torch.tensor(network[f"{kind}{i}"], dtype=dtype) for i in range(convolutions + 2)] for kind in ("w", "b")
    )
    weights[:convolutions] = [w.permute(3, 2, 0, 1).contiguous() for w in weights[:convolutions]]
    parameters = [p.requires_grad_(True) for p in (*weights, *biases)]
    told = []
    for x, labels in zip(network["x"], network["labels"], strict=True):
        h = torch.tensor(x, dtype=dtype).permute(0, 3, 1, 2)
        for i in range(convolutions):
            h = smooth(F.conv2d(h, weights[i], biases[i], padding=1))
            if i % 2:
                h = F.avg_pool2d(h, 2, ceil_mode=True)
        h = h.permute(0, 2, 3, 1).flatten(1)
        h = smooth(h @ weights[-2] + biases[-2])
        loss = F.cross_entropy(h @ weights[-1] + biases[-1], torch.tensor(labels))
        told.append(loss.item())
        gradients = torch.autograd.grad(loss, parameters)
        with torch.no_grad():
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter -= float(network["rate"]) * gradient
    weights[:convolutions] = [w.permute(2, 3, 1, 0) for w in weights[:convolutions]]
    return told, np.concatenate([p.detach().numpy().astype(np.float64).ravel() for p in (*weights, *biases)])


if __name__ == "__main__":
    torch.set_num_threads(2)
    with np.load(sys.argv[1]) as file:
        given = dict(file)
    start = np.concatenate(
        [given[f"{kind}{i}"].ravel() for kind in "wb" for i in range(int(given["convolutions"]) + 2)]
    )
    (single, near), (double, exact) = (train(given, dtype) for dtype in (torch.float32, torch.float64))
    away = np.linalg.norm(near - exact) / np.linalg.norm(exact - start)
    print(json.dumps({"float32": single, "float64": double, "weights": [away]}))
