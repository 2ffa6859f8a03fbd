"""The operations, one record each, and the functions that build them under TensorFlow's names.

Importing this package registers all records and gives tensors their operators.
"""

from labkit.ops import (  # noqa: F401
    array,
    broadcast,
    compare,
    control,
    conv,
    elementwise,
    linalg,
    nn,
    pool,
    random,
    reduce,
    shape,
    source,
    state,
)
