from labkit.activations.functions import linear as linear
from labkit.activations.functions import relu as relu
from labkit.activations.functions import sigmoid as sigmoid
from labkit.activations.functions import softmax as softmax
from labkit.activations.functions import tanh as tanh
