"""The operations, one record each, and the functions that build them under TensorFlow's names.

Importing this package registers all records and gives tensors their operators.
"""

import importlib
import pkgutil

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
