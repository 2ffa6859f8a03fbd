"""A loop that keeps something across steps which it does not save."""

import dataclasses

import labkit as lk


@dataclasses.dataclass
class Config:
    steps: int = 60


@lk.experiment(metric="loss")
def leaky(config: Config, trial: lk.Trial):
    """Is a momentum that is not saved noticed?"""
    state = trial.restore() or {"w": 1.0, "step": 0}
    w, momentum = state["w"], 0.0
    for step in range(state["step"] + 1, config.steps + 1):
        momentum = 0.9 * momentum - 0.01 * w
        w += momentum
        trial.report(step, loss=w * w)
        if step % 5 == 0:
            trial.save({"w": w, "step": step})
