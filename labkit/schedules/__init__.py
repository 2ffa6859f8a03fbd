"""Schedules: learning rates that follow the number of the step.

Each registered name is a class here, such as `lk.schedules.ExponentialDecay(0.1, 1000, 0.96)`. An optimizer takes one as
its learning rate, or its name with settings: `{"name": "CosineDecay", "initial_learning_rate": 0.1, "decay_steps": 500}`.
A schedule of your own is any function of the step.
"""

from labkit.plugins import family

__getattr__, __dir__ = family("schedules", Schedule="labkit.schedules.base:Schedule")
