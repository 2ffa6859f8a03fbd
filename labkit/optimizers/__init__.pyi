from labkit.optimizers.adam import Adam as Adam
from labkit.optimizers.base import Optimizer as Optimizer, Slot as Slot
from labkit.optimizers.momentum import Momentum as Momentum
from labkit.optimizers.sgd import SGD as SGD
