"""Data on their way to a model.

`Dataset`: pipelines of elements. Feature columns (`lk.feature_column`): what becomes of the columns of a table.
"""

from labkit.data.dataset import Dataset
from labkit.data.files import CsvDataset, TextLineDataset
from labkit.data.iterator import Iterator
from labkit.data.spec import TensorSpec
from labkit.data.steps.transform import Transform

__all__ = ["CsvDataset", "Dataset", "Iterator", "TensorSpec", "TextLineDataset", "Transform"]
