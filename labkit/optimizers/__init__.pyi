from labkit.optimizers.adadelta import Adadelta as Adadelta
from labkit.optimizers.adagrad import Adagrad as Adagrad
from labkit.optimizers.adam import Adam as Adam
from labkit.optimizers.base import Optimizer as Optimizer, Slot as Slot
from labkit.optimizers.ftrl import Ftrl as Ftrl
from labkit.optimizers.momentum import Momentum as Momentum
from labkit.optimizers.moving_average import ExponentialMovingAverage as ExponentialMovingAverage
from labkit.optimizers.rmsprop import RMSprop as RMSprop
from labkit.optimizers.sgd import SGD as SGD
