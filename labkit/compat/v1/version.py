"""tf.version: which TensorFlow's behaviour this keeps."""

from labkit.compat.lookup import names_of
from labkit.compat.v1 import __version__

VERSION = __version__
GIT_VERSION = f"v{__version__}"
COMPILER_VERSION = ""
GRAPH_DEF_VERSION = 134
GRAPH_DEF_VERSION_MIN_CONSUMER = 0
GRAPH_DEF_VERSION_MIN_PRODUCER = 0

__getattr__, __dir__ = names_of(__name__)
