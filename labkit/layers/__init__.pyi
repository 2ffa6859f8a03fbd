"""The built-in layers, for editors and type checkers; `plugin.py` registers the same names."""

from labkit.layers.activation import Activation as Activation, ReLU as ReLU, Softmax as Softmax
from labkit.layers.base import Layer as Layer
from labkit.layers.conv import Conv2D as Conv2D
from labkit.layers.dense import Dense as Dense
from labkit.layers.dropout import Dropout as Dropout
from labkit.layers.flatten import Flatten as Flatten
from labkit.layers.input import (
    Input as Input,
    Input as InputLayer,  # noqa: F401
)
from labkit.layers.padding import PadToSize as PadToSize, ZeroPadding2D as ZeroPadding2D
from labkit.layers.pooling import (
    MaxPool2D as MaxPool2D,
    MaxPool2D as MaxPooling2D,  # noqa: F401
)
