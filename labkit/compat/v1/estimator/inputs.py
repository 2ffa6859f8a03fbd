"""tf.estimator.inputs."""

from labkit.compat.lookup import names_of

__getattr__, __dir__ = names_of(__name__)
