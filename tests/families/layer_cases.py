"""An example for each layer: its settings, and the shape of what it takes."""

from __future__ import annotations

from typing import Any

import numpy as np

import labkit as lk

_COLUMNS = [
    {"name": "numeric_column", "key": "age", "mean": 40.0, "std": 10.0},
    {"name": "categorical_column_with_identity", "key": "rooms", "num_buckets": 4},
]
_EMBEDDED = {"name": "embedding_column", "categorical_column": _COLUMNS[1], "dimension": 3}
TABLE = {"age": [20.0, 51.0, 37.0], "rooms": [[3, 0], [1, -1], [-1, -1]]}
FEEDS = {"age": np.array([[-2.0], [1.1], [-0.3]]), "rooms_ids": np.array(TABLE["rooms"])}
"""For the layers whose shape below is "table": a table, and what their columns make of it."""

LAYERS: dict[str, tuple[dict[str, Any], Any]] = {
    "Input": ({"shape": [4]}, (4,)),
    "InputLayer": ({"shape": [4]}, (4,)),
    "Dense": ({"units": 3, "activation": "tanh"}, (5,)),
    "Conv2D": ({"filters": 2, "kernel_size": 3, "padding": "same"}, (5, 4, 2)),
    "Conv1D": ({"filters": 2, "kernel_size": 3, "padding": "causal", "activation": "tanh"}, (5, 2)),
    "DepthwiseConv2D": ({"kernel_size": 3, "depth_multiplier": 2}, (5, 4, 2)),
    "Conv1DTranspose": ({"filters": 2, "kernel_size": 3, "strides": 2}, (4, 3)),
    "Conv2DTranspose": ({"filters": 2, "kernel_size": 3, "strides": 2, "padding": "same"}, (3, 4, 3)),
    "BatchNormalization": (
        {"axis": 1, "gamma_initializer": "normal", "beta_initializer": "normal", "moving_mean_initializer": "normal"},
        (3, 4, 2),
    ),
    "Embedding": ({"input_dim": 7, "output_dim": 3}, (4,)),
    "SimpleRNN": ({"units": 3, "activation": "relu", "return_sequences": True}, (4, 2)),
    "Bidirectional": ({"layer": {"name": "GRU", "units": 2, "return_sequences": True}, "merge_mode": "ave"}, (4, 2)),
    "TimeDistributed": ({"layer": {"name": "Conv1D", "filters": 2, "kernel_size": 2}}, (3, 4, 2)),
    "Masking": ({}, (4, 2)),
    "LSTM": ({"units": 3, "dropout": 0.2}, (4, 2)),
    "GRU": ({"units": 3, "return_sequences": True, "go_backwards": True}, (4, 2)),
    "Reshape": ({"target_shape": [8, -1]}, (4, 4, 2)),
    "Permute": ({"dims": [3, 1, 2]}, (4, 3, 2)),
    "RepeatVector": ({"n": 3}, (4,)),
    "Activation": ({"activation": "relu"}, (3,)),
    "PReLU": ({"shared_axes": [1], "alpha_initializer": "normal"}, (4, 2)),
    "Dropout": ({"rate": 0.5}, (8,)),
    "SpatialDropout1D": ({"rate": 0.5}, (4, 3)),
    "SpatialDropout2D": ({"rate": 0.5}, (4, 4, 3)),
    "GaussianNoise": ({"stddev": 0.5}, (8,)),
    "GaussianDropout": ({"rate": 0.5}, (8,)),
    "PadToSize": ({"height": 7, "width": 6}, (5, 4, 1)),
    "Cropping2D": ({"cropping": [[1, 0], [0, 2]]}, (4, 5, 2)),
    "Normalization": ({"mean": [0.5, -1.0], "variance": [2.0, 0.0], "invert": True}, (4, 2)),
    "CategoryEncoding": ({"num_tokens": 7}, (4,)),
    "Discretization": ({"bin_boundaries": [-0.5, 0.1, 0.1, 2.0]}, (4, 2)),
    "Lambda": ({"function": lk.square}, (4, 2)),
    "RandomFlip": ({"seed": 3}, (4, 5, 2)),
    "RandomRotation": ({"factor": 0.3}, (4, 5, 2)),
    "RandomTranslation": ({"height_factor": 0.2, "width_factor": [0, 0.5]}, (4, 5, 2)),
    "RandomZoom": ({"height_factor": [-0.5, 0.2], "fill_mode": "wrap"}, (4, 5, 2)),
    "RandomCrop": ({"height": 3, "width": 2}, (4, 5, 2)),
    "RandomBrightness": ({"factor": 0.3, "value_range": [-9, 9]}, (4, 5, 2)),
    "RandomContrast": ({"factor": [0.2, 0.7], "value_range": [-9, 9]}, (4, 5, 2)),
    **dict.fromkeys(("Add", "Multiply", "Average", "Maximum", "Minimum"), ({}, [(4, 3), (1, 3), (3,)])),
    "Subtract": ({}, [(4, 3), (3,)]),
    "Concatenate": ({"axis": 1}, [(4, 3), (2, 3), (1, 3)]),
    "Dot": ({"axes": [1, 2], "normalize": True}, [(4, 3), (2, 4)]),
    "Operator": ({"operator": "sub", "operand": 2.0, "swapped": True}, (3,)),
    "DenseFeatures": ({"feature_columns": [*_COLUMNS, _EMBEDDED]}, "table"),
    "LinearFeatures": ({"feature_columns": _COLUMNS, "units": 2, "kernel_initializer": "normal"}, "table"),
    "Rescaling": ({"scale": 0.5, "offset": -1.0}, (4, 2)),
}
"""Settings and the shape of an example, where a layer needs settings or its name does not tell the shape."""


WHOLE = {"Embedding": 7, "CategoryEncoding": 7}
"""Layers that take whole numbers, below this."""

CHECKS: dict[str, dict[str, Any]] = {"Discretization": {"output_dtype": "int32", "differentiable": False}}
"""Further arguments of `check_layer`."""


def layer_case(name: str) -> tuple[dict[str, Any], Any]:
    """Settings and the shape of an example, for each registered name; a list of shapes for several inputs."""
    return LAYERS.get(name, ({}, (6, 2) if "1D" in name else (4, 6, 2)))
