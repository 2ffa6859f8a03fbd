"""TensorFlow 1's names, answered by labkit.

    import labkit.compat.v1 as tf                     # in a program or notebook of your own
    python -m labkit.compat.v1 script.py [args]       # a program that says `import tensorflow as tf`, unchanged
    labkit.compat.v1.install()                        # `import tensorflow` from here on, in this process

A name that labkit has in other words is adapted: keywords (`reduction_indices`, `keep_dims`), argument orders
(`nn.dropout(x, keep_prob)`), feeds that are cast. A name that is missing raises, and says what to use instead;
`python -m labkit.compat.v1 --names` lists all.
"""

from labkit.compat.install import install as install
from labkit.compat.lookup import names_of

__version__ = VERSION = "1.15.5"
"""The TensorFlow version whose behaviour this keeps; programs compare it."""

GIT_VERSION = f"v{VERSION}"
newaxis = None

__getattr__, __dir__ = names_of(__name__)
