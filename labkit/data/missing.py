"""Names of tf.data, Keras and torchvision that labkit has under another one, or does without: the error says what to use."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from labkit.errors import MissingNameError
from labkit.missing_names import missing
from labkit.near import near_names

_SLICES = "Use lk.data.Dataset.from_tensor_slices((x, y)).shuffle().batch(32)."
_ITERATE = "Iterate it: for x, y in dataset, or next(iter(dataset)) for the first element."

DATA = {
    "AUTOTUNE": "Say how many: map(function, num_parallel=4), prefetch(2); transforms and batches are native.",
    "DataLoader": _SLICES,
    "TensorDataset": _SLICES,
    "FixedLenFeature": 'In features= a name stands for its spec: {"label": lk.data.TensorSpec((), "int64")}.',
    "KFold": "Use lk.data.k_fold(data, k).",
    "decode_csv": "Use lk.data.CsvDataset(path, label=...).",
    "decode_jpeg": "Use lk.data.decode_image(data).",
    "decode_png": "Use lk.data.decode_image(data).",
    "image_dataset_from_directory": "Use lk.data.ImageFolder(path, size=(h, w)).shuffle().batch(32).",
    "make_csv_dataset": "Use lk.data.CsvDataset(path, label=...).shuffle(1000).batch(32).",
    "read_csv": "Use lk.data.CsvDataset(path, label=...), or pandas.read_csv, whose frames models and pipelines take.",
    "train_test_split": "Use lk.data.random_split((x, y), [0.8, 0.2]), or stratified_split.",
    **{
        name: f"Use lk.data.Dataset.{name}(...)."
        for name in ("from_generator", "from_tensor_slices", "from_tensors", "list_files", "range", "zip")
    },
}

METHODS = {
    "apply": "Call the function: function(dataset).",
    "bucket_by_sequence_length": "Use dataset.padded_batch(n).",
    "cardinality": "Use len(dataset); an error says where it is not known.",
    "enumerate": "Use lk.data.Dataset.zip(lk.data.Dataset.range(n), dataset).",
    "get_next": _ITERATE,
    "make_initializable_iterator": _ITERATE,
    "make_one_shot_iterator": _ITERATE,
    "output_shapes": "Use dataset.element_spec.",
    "output_types": "Use dataset.element_spec.",
    "rebatch": "Use dataset.unbatch().batch(n).",
    "reduce": "Iterate it and sum up in Python; dataset.arrays() is all of it.",
    "restore": "Use dataset.iterate(state=state), which gives an iterator that goes on from there.",
    "state": "Iterators have it: batches = iter(dataset), batches.state().",
    "save": "Use np.savez(path, x=x, y=y) of x, y = dataset.arrays(), and lk.data.NumpyDataset; or lk.data.TFRecordWriter.",
    "shape": "Use dataset.element_spec.",
    "snapshot": "Use dataset.cache(), in memory.",
    "take_while": "Use itertools.takewhile(predicate, dataset), or dataset.filter(predicate).",
    "window": "Use dataset.batch(n), or lk.data.Dataset.from_generator.",
    "with_options": "Leave it out: results do not depend on threads.",
}

TRANSFORMS = {
    "ColorJitter": "Use RandomBrightness, RandomContrast, RandomSaturation and RandomHue, one map after the other.",
    "Compose": "One map after the other: dataset.map(first).map(second).",
    "Grayscale": "Use lk.data.ImageFolder(path, channels=1), or decode_image(data, channels=1).",
    "Normalize": "Use Standardization(mean, std).",
    "Pad": "Use ResizeWithCropOrPad(size), or padding= of RandomCrop.",
    "RandomErasing": "Use Cutout(size).",
    "RandomHorizontalFlip": 'Use RandomFlip("horizontal").',
    "RandomResizedCrop": "Use Resize(size), and RandomCrop after it.",
    "RandomTranslation": "Use RandomCrop(size, padding=n).",
    "RandomVerticalFlip": 'Use RandomFlip("vertical").',
    "Rescaling": "Use ToFloat(), bytes to 0 ... 1; or Standardization(mean, std).",
    "ToTensor": "Use ToFloat().",
}


def missing_from(group: str, known: Iterable[str], instead: Mapping[str, str]) -> Callable[[str], Any]:
    """The `__getattr__` of a module below `labkit`, whose names are all there already."""

    def __getattr__(name: str) -> Any:
        if name in instead:
            raise MissingNameError(f"module 'labkit.{group}' has no attribute {name!r}", name=name, fix=instead[name])
        raise missing(name, group, known)

    return __getattr__


def missing_method(kind: type, name: str) -> AttributeError:
    """The error for an attribute that a data set does not have."""
    what = f"{kind.__name__} has no attribute {name!r}"
    if name.startswith("_"):  # Python and NumPy look for such
        return AttributeError(what)
    near = near_names(name, [known for known in dir(kind) if not known.startswith("_")], cutoff=0.75)
    fix = METHODS.get(name) or (f"Did you mean {' or '.join(near)}?" if near else "")
    return MissingNameError(what, name=name, fix=fix)
