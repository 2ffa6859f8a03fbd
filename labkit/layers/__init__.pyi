"""The built-in layers, for editors and type checkers; `plugin.py` registers the same names."""

from labkit.layers.activation import (
    ELU as ELU,
    GELU as GELU,
    Activation as Activation,
    LeakyReLU as LeakyReLU,
    ReLU as ReLU,
    Softmax as Softmax,
    Softplus as Softplus,
)
from labkit.layers.base import Layer as Layer
from labkit.layers.batch_norm import BatchNormalization as BatchNormalization
from labkit.layers.bidirectional import Bidirectional as Bidirectional
from labkit.layers.categories import CategoryEncoding as CategoryEncoding, Discretization as Discretization
from labkit.layers.conv import Conv1D as Conv1D, Conv2D as Conv2D
from labkit.layers.conv_transpose import Conv1DTranspose as Conv1DTranspose, Conv2DTranspose as Conv2DTranspose
from labkit.layers.dense import Dense as Dense
from labkit.layers.depthwise import DepthwiseConv2D as DepthwiseConv2D
from labkit.layers.dropout import (
    Dropout as Dropout,
    SpatialDropout1D as SpatialDropout1D,
    SpatialDropout2D as SpatialDropout2D,
)
from labkit.layers.embedding import Embedding as Embedding
from labkit.layers.features import DenseFeatures as DenseFeatures
from labkit.layers.flatten import Flatten as Flatten
from labkit.layers.gru import GRU as GRU
from labkit.layers.image_colors import RandomBrightness as RandomBrightness, RandomContrast as RandomContrast
from labkit.layers.image_places import (
    RandomCrop as RandomCrop,
    RandomFlip as RandomFlip,
    RandomRotation as RandomRotation,
    RandomTranslation as RandomTranslation,
    RandomZoom as RandomZoom,
)
from labkit.layers.input import (
    Input as Input,
    Input as InputLayer,  # noqa: F401
)
from labkit.layers.lambdas import Lambda as Lambda
from labkit.layers.layer_norm import LayerNormalization as LayerNormalization
from labkit.layers.linear_features import LinearFeatures as LinearFeatures
from labkit.layers.lstm import LSTM as LSTM
from labkit.layers.masked import Masking as Masking
from labkit.layers.merge import (
    Add as Add,
    Average as Average,
    Concatenate as Concatenate,
    Dot as Dot,
    Maximum as Maximum,
    Merge as Merge,
    Minimum as Minimum,
    Multiply as Multiply,
    Subtract as Subtract,
)
from labkit.layers.noise import (
    GaussianDropout as GaussianDropout,
    GaussianNoise as GaussianNoise,
)
from labkit.layers.normalization import Normalization as Normalization
from labkit.layers.operator import Operator as Operator
from labkit.layers.padding import (
    Cropping1D as Cropping1D,
    Cropping2D as Cropping2D,
    PadToSize as PadToSize,
    ZeroPadding1D as ZeroPadding1D,
    ZeroPadding2D as ZeroPadding2D,
)
from labkit.layers.pooling import (
    AveragePooling1D as AveragePooling1D,
    AveragePooling1D as AvgPool1D,  # noqa: F401
    AveragePooling2D as AveragePooling2D,
    AveragePooling2D as AvgPool2D,  # noqa: F401
    GlobalAveragePooling1D as GlobalAveragePooling1D,
    GlobalAveragePooling1D as GlobalAvgPool1D,  # noqa: F401
    GlobalAveragePooling2D as GlobalAveragePooling2D,
    GlobalAveragePooling2D as GlobalAvgPool2D,  # noqa: F401
    GlobalMaxPooling1D as GlobalMaxPool1D,  # noqa: F401
    GlobalMaxPooling1D as GlobalMaxPooling1D,
    GlobalMaxPooling2D as GlobalMaxPool2D,  # noqa: F401
    GlobalMaxPooling2D as GlobalMaxPooling2D,
    MaxPool2D as MaxPool2D,
    MaxPool2D as MaxPooling2D,  # noqa: F401
    MaxPooling1D as MaxPool1D,  # noqa: F401
    MaxPooling1D as MaxPooling1D,
)
from labkit.layers.prelu import PReLU as PReLU
from labkit.layers.rescaling import Rescaling as Rescaling
from labkit.layers.reshaping import (
    Permute as Permute,
    RepeatVector as RepeatVector,
    Reshape as Reshape,
)
from labkit.layers.simple_rnn import SimpleRNN as SimpleRNN
from labkit.layers.time_distributed import TimeDistributed as TimeDistributed
from labkit.layers.upsampling import (
    UpSampling1D as UpSampling1D,
    UpSampling2D as UpSampling2D,
)
