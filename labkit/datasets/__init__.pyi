from labkit.datasets.drawn_digits import synthetic_digits as synthetic_digits
from labkit.datasets.load import load as load
from labkit.datasets.mnist_digits import mnist as mnist
