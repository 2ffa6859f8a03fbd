"""Optimizers: rules that change weights along their gradients.

Each registered name is a class here, such as `lk.optimizers.Adam(0.001)`. What takes an optimizer takes its name too:
`model.compile(optimizer="adam", ...)`. `Optimizer` is the class to derive one of your own from.
"""

from labkit.plugins import family

__getattr__, __dir__ = family(
    "optimizers",
    ExponentialMovingAverage="labkit.optimizers.moving_average:ExponentialMovingAverage",
    Optimizer="labkit.optimizers.base:Optimizer",
    Slot="labkit.optimizers.state:Slot",
)
