from labkit.datasets.base import (
    DataSet as DataSet,
    DataSetInfo as DataSetInfo,
    Split as Split,
    described_by as described_by,
)
from labkit.datasets.cifar import cifar10 as cifar10, cifar10_jpeg as cifar10_jpeg
from labkit.datasets.curves import crash_course_function as crash_course_function, sinc as sinc
from labkit.datasets.drawn_digits import synthetic_digits as synthetic_digits
from labkit.datasets.fashion import fashion_mnist as fashion_mnist
from labkit.datasets.load import info as info, load as load
from labkit.datasets.mnist_digits import mnist as mnist
from labkit.datasets.planes import checkerboard as checkerboard, spirals as spirals, two_moons as two_moons
from labkit.datasets.tables import houses as houses, iris_like as iris_like
