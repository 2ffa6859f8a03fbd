from labkit.schedules.base import Schedule as Schedule
from labkit.schedules.constant import Constant as Constant
from labkit.schedules.cosine import CosineDecay as CosineDecay, CosineDecayRestarts as CosineDecayRestarts
from labkit.schedules.exponential import (
    ExponentialDecay as ExponentialDecay,
    InverseTimeDecay as InverseTimeDecay,
    NaturalExponentialDecay as NaturalExponentialDecay,
    StepDecay as StepDecay,
)
from labkit.schedules.piecewise import PiecewiseConstantDecay as PiecewiseConstantDecay
from labkit.schedules.polynomial import PolynomialDecay as PolynomialDecay
from labkit.schedules.warmup import Warmup as Warmup
