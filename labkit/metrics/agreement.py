"""The confusion matrix, and what follows from it: Cohen's kappa and Matthews's correlation."""

from __future__ import annotations

import math

import numpy as np

from labkit.core.settings import check_count, check_number
from labkit.errors import ShapeError
from labkit.metrics.base import Metric
from labkit.metrics.reading import check_choice, labels, repeated, whole_numbers, yes_or_no


class _Confusion(Metric):
    """Counts which class was taken for which, from predictions of three kinds:

    - [batch, ..., classes]: the largest counts, among equal ones the first;
    - [batch] or [batch, ..., 1] without `num_classes`: yes or no, above the threshold or not; 2 classes;
    - the same with `num_classes`: numbers of classes.
    """

    counted: tuple[str, ...] = ("cells",)

    def __init__(self, num_classes: int | None, threshold: float, name: str | None) -> None:
        self.num_classes = None if num_classes is None else check_count(self, "num_classes", num_classes, low=2)
        self.threshold = check_number(self, "threshold", threshold, low=0.0, high=1.0)
        super().__init__(name)

    def add(self, y_true: np.ndarray, y_pred: np.ndarray, weight: np.ndarray) -> None:
        if y_pred.ndim > 1 and y_pred.shape[-1] > 1:
            classes = y_pred.shape[-1]
            right, found = labels(self, y_true, y_pred), y_pred.argmax(axis=-1)
            if self.num_classes not in (None, classes):
                raise ShapeError(
                    f"{self.name} needs a prediction for each class",
                    rule=f"y_pred is [batch, ..., {self.num_classes}]",
                    received=f"y_pred of shape {y_pred.shape}",
                )
        else:
            right, found = (array[..., 0] if array.shape[1:][-1:] == (1,) else array for array in (y_true, y_pred))
            if right.shape != found.shape:
                raise ShapeError(
                    f"{self.name} needs a label for each prediction",
                    rule="Both are [batch, ...] or [batch, ..., 1]",
                    received=f"y_true of shape {y_true.shape}, y_pred of shape {y_pred.shape}",
                )
            classes = self.num_classes or 2
            if self.num_classes is None:
                right, found = yes_or_no(self, right), found > self.threshold
            else:
                right = whole_numbers(self, "y_true", right, classes)
                fix = "For probabilities of yes leave num_classes out: what is above the threshold counts as 1."
                found = whole_numbers(self, "y_pred", found, classes, fix if classes == 2 else "")
        cells = right.astype(np.int64).ravel() * classes + found.astype(np.int64).ravel()
        self.sum_of("cells", classes * classes).add(repeated(weight, right), cells)

    def matrix(self) -> np.ndarray:
        """float64 [classes, classes]: how many examples (or what weight) of class i were taken for class j."""
        cells = self.sums["cells"].totals()
        return cells.reshape(math.isqrt(len(cells)), -1)


class ConfusionMatrix(_Confusion):
    """result[i, j] = the number of examples of class i that were taken for class j, [classes, classes].

    int64; the sums of their weights, float64, once a weight was neither 0 nor 1.

    y_true: numbers of classes, or one-hot where y_pred has a number for each class.
    y_pred: [batch, ..., classes], logits or probabilities, of which the largest counts, among equal ones the first; or
    [batch] or [batch, ..., 1]: numbers of classes where `num_classes` is given, else yes (above the threshold) or no.

    Args:
        num_classes: how many classes there are, at least 2; None where y_pred shows it, or for yes or no.
        threshold: from 0 to 1, for yes or no.
        normalize: "true", "pred" or "all" divides by the sums of rows, of columns, or of all; 0 / 0 is 0.
        name: as for `Metric`.

    Source: scikit-learn, `confusion_matrix`.

    Raises:
        InvalidArgumentError: a setting is none of these; (from `update_state`) a label is out of range.
        ShapeError, DTypeError: (from `update_state`) as `Metric` says.
    """

    counted = ("cells", "weighted")

    def __init__(
        self,
        num_classes: int | None = None,
        threshold: float = 0.5,
        normalize: str | None = None,
        name: str | None = None,
    ) -> None:
        self.normalize = check_choice(self, "normalize", normalize, ("true", "pred", "all", None))
        super().__init__(num_classes, threshold, name)

    def add(self, y_true: np.ndarray, y_pred: np.ndarray, weight: np.ndarray) -> None:
        super().add(y_true, y_pred, weight)
        self.sum_of("weighted").add((weight != 1).astype(np.float64)[:, None])

    def value(self) -> np.ndarray:
        matrix = self.matrix()
        if self.normalize is not None:
            axis = {"true": 1, "pred": 0, "all": None}[self.normalize]
            whole = matrix.sum(axis=axis, keepdims=True)
            return matrix / np.where(whole == 0, 1, whole)
        return matrix if self.sums["weighted"].totals().any() else matrix.astype(np.int64)


class CohenKappa(_Confusion):
    """result = 1 - sum of d C / sum of d E: agreement between targets and predictions beyond what chance would give.

    C is the confusion matrix, E[i, j] = (sum of row i) (sum of column j) / (sum of all) what independent labels would
    give, and d[i, j] how bad it is to take class i for j: 1 unless i = j, |i - j| ("linear") or (i - j)² ("quadratic").
    1 is full agreement, 0 that of chance. NaN where chance alone gives full agreement: all are of one class.

    y_true, y_pred: as for ConfusionMatrix.

    Args:
        weights: None, "linear" or "quadratic", for classes with an order.
        num_classes, threshold, name: as for ConfusionMatrix.

    Source: Cohen 1960, "A coefficient of agreement for nominal scales"; scikit-learn, `cohen_kappa_score`.

    Raises:
        InvalidArgumentError, ShapeError, DTypeError: as for ConfusionMatrix.
    """

    direction = "max"

    def __init__(
        self,
        weights: str | None = None,
        num_classes: int | None = None,
        threshold: float = 0.5,
        name: str | None = None,
    ) -> None:
        self.weights = check_choice(self, "weights", weights, ("linear", "quadratic", None))
        super().__init__(num_classes, threshold, name)

    def value(self) -> float:
        matrix = self.matrix()
        places = np.arange(len(matrix), dtype=np.float64)
        apart = np.abs(places[:, None] - places)
        cost = apart**2 if self.weights == "quadratic" else apart if self.weights else np.sign(apart)
        chance = (cost * np.outer(matrix.sum(axis=1), matrix.sum(axis=0))).sum()
        return 1 - float((cost * matrix).sum() * matrix.sum() / chance) if chance else float("nan")


class MatthewsCorrelation(_Confusion):
    """result = (c s - t · p) / sqrt((s² - p · p) (s² - t · t)): the correlation between targets and predictions.

    Of the confusion matrix c is the sum of the diagonal, s of all, t of each row, p of each column. From -1 to 1; 0 where
    targets or predictions are all of one class.

    y_true, y_pred: as for ConfusionMatrix.

    Args:
        num_classes, threshold, name: as for ConfusionMatrix.

    Source: Matthews 1975; for several classes Gorodkin 2004; scikit-learn, `matthews_corrcoef`.

    Raises:
        InvalidArgumentError, ShapeError, DTypeError: as for ConfusionMatrix.
    """

    direction = "max"

    def __init__(self, num_classes: int | None = None, threshold: float = 0.5, name: str | None = None) -> None:
        super().__init__(num_classes, threshold, name)

    def value(self) -> float:
        matrix = self.matrix()
        total, rows, columns = matrix.sum(), matrix.sum(axis=1), matrix.sum(axis=0)
        spread = (total**2 - columns @ columns) * (total**2 - rows @ rows)
        return float((np.trace(matrix) * total - rows @ columns) / math.sqrt(spread)) if spread > 0 else 0.0
