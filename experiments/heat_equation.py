"""The heat equation on a square, by the explicit scheme: a while loop in the graph, pictures in TensorBoard.

    du/dt = d²u/dx² + d²u/dy²   on 0 < x, y < 1,   u = 0 at the border

A start that is a sum of sines is known for all times: sin(k pi x) sin(l pi y) decays as exp(-(k² + l²) pi² t). The
scheme replaces each value by a mean of itself and its four neighbours. In two dimensions it is stable up to a ratio
dt / dx² of 1/4 (Morton and Mayers, Numerical Solution of Partial Differential Equations, section 3.1):
`--sweep ratio=0.1,0.2,0.25,0.26` shows what comes after.
"""

import dataclasses
import itertools

import numpy as np

import labkit as lk

MODES = ((1.0, 1, 1), (0.5, 3, 2))  # (amplitude, k, l)


@dataclasses.dataclass
class Config:
    cells: int = 64  # along a side
    ratio: float = 0.2  # dt / dx²
    end: float = 0.05  # the time to reach
    pictures: int = 20


def exact(cells: int, time: lk.Tensor) -> lk.Tensor:
    """The solution at the grid's points, [cells + 1, cells + 1]."""
    x = lk.linspace(0.0, 1.0, cells + 1)
    waves = [
        a * lk.exp(-((k * k + l * l) * np.pi**2) * time) * lk.sin(k * np.pi * x)[:, None] * lk.sin(l * np.pi * x)
        for a, k, l in MODES
    ]
    return lk.add_n(waves)


def step(u: lk.Tensor, ratio: float) -> lk.Tensor:
    """The temperatures dt later; the border stays at zero."""
    inside = u[1:-1, 1:-1]
    neighbours = u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:]
    return lk.pad(inside + ratio * (neighbours - 4.0 * inside), [[1, 1], [1, 1]])


@lk.experiment(metric="error", quick={"cells": 32, "pictures": 5})
def heat_equation(config: Config, trial: lk.Trial):
    """How far is the explicit scheme from the solution, and where does it become unstable?"""
    dt = config.ratio / config.cells**2
    time, count = lk.placeholder(lk.float32, ()), lk.placeholder(lk.int32, ())
    solution = exact(config.cells, time)
    u = lk.Variable(exact(config.cells, lk.constant(0.0)), name="u")
    _, later = lk.while_loop(lambda i, u: i < count, lambda i, u: (i + 1, step(u, config.ratio)), (0, u))
    advance = u.assign(later)
    distance = lk.abs(advance - solution)
    outputs = {"temperature": advance, "distance": distance, "error": lk.reduce_max(distance)}
    with lk.Session() as session:
        session.run(lk.global_variables_initializer())
        ends = np.linspace(0, config.end / dt, config.pictures + 1).round().astype(int)  # steps done at each picture
        for done, next_end in itertools.pairwise(ends):
            found = session.run(outputs, {count: next_end - done, time: next_end * dt})
            trial.report(next_end, error=found["error"], hottest=found["temperature"].max())
            trial.image(next_end, temperature=found["temperature"], distance=found["distance"] / 1e-3)
