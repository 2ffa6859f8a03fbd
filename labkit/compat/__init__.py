"""TensorFlow-1 names over labkit. `labkit.compat.v1` is what `import tensorflow as tf` gives.

It renames and adapts, and implements nothing a second time:

    tables/*.txt       every TF1 name that labkit answers, with TF1's parameters and what they are in labkit
    aliases.py         reads the tables; turns a call in TF1's words into one in labkit's
    adapters/          the few functions that need more than other words
    missing.py         what to use instead of a name that is not there
    install.py         lets `import tensorflow` find all this
    v1/                the modules that TF1 programs import, each a plain file
    path/tensorflow/   what `python -m labkit.compat.v1 script.py` puts on the path
"""
