from labkit.activations.functions import (
    linear as linear,
    relu as relu,
    sigmoid as sigmoid,
    softmax as softmax,
    tanh as tanh,
)
