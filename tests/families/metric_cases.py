"""What the tests of metrics share: data of several kinds, and for each registered metric its settings and scikit-learn's
function, (y_true, y_pred, sample_weight) -> the result."""

import numpy as np
from scipy.special import rel_entr, xlogy
from sklearn import metrics as sk
from sklearn.metrics.pairwise import paired_cosine_distances

from labkit.plugins import current_lab

NAMES = current_lab().registry("metrics").names()
CLASSES = range(4)
KINDS = ("random", "ties", "absent")


def data(form, kind, examples, seed=0):
    """Targets and predictions of one form: "absent" leaves a class out, or all that is positive."""
    random = np.random.default_rng(seed)
    labels, scores = random.integers(0, 4, examples), random.dirichlet(np.ones(4), size=examples)
    numbers, found = random.normal(size=(examples, 3)) + 2, random.normal(size=(examples, 3)) + 2
    bits = random.integers(0, 2, (examples, 4))
    if kind == "ties":
        scores, found, numbers = scores.round(1), found.round(), numbers.round() + 0.5
    if kind == "absent":
        labels[labels == 2] = 0
        bits[:, 1] = 0
        numbers[:, 1] += 1e6
    one_hot = np.eye(4, dtype=int)[labels]
    return {
        "binary": (bits[:, 1], scores[:, 1]),
        "column": (bits[:, 1:2], scores[:, 1:2]),
        "sparse": (labels, scores),
        "one_hot": (one_hot, scores),
        "labels": (bits, scores),
        "classes": (labels, scores.argmax(axis=1)),
        "logits": (labels, np.log(scores + 1e-3)),
        "binary_logits": (bits[:, 1], found[:, 0] - 2),
        "one_hot_logits": (one_hot, np.log(scores + 1e-3)),
        "shares": (random.dirichlet(np.ones(4), size=examples), scores),
        "number": (numbers[:, 0], found[:, 0]),
        "outputs": (numbers, found),
        "positive": (np.abs(numbers), np.abs(found)),
        "signs": (2 * bits[:, 1] - 1, found[:, 0] - 2),
        "signs_or_0": (bits[:, 1], found[:, 0] - 2),
        "one_hot_scores": (one_hot, 3 * scores + 1),
        "counts": (labels, np.abs(found[:, 0])),
    }[form]


def right(y):
    return y.argmax(axis=1) if y.ndim > 1 and y.shape[1] > 1 else y.ravel()


def found(p, threshold=0.5):
    """Class numbers from what predicts them."""
    if p.dtype.kind in "iu":
        return p
    return p.argmax(axis=1) if p.ndim > 1 and p.shape[1] > 1 else (p.ravel() > threshold).astype(int)


def classes_of(p):
    return range(p.shape[1]) if p.ndim > 1 and p.shape[1] > 1 else CLASSES if p.dtype.kind in "iu" else range(2)


def accuracy(y, p, w, threshold=0.5):
    return sk.accuracy_score(right(y), found(p, threshold), sample_weight=w)


def top_k(y, p, w, k):
    return sk.top_k_accuracy_score(right(y), p, k=k, labels=CLASSES, sample_weight=w)


def counts(function):
    def reference(y, p, w, average="macro", thresholds=None, threshold=None):
        limit = thresholds if threshold is None else threshold
        if isinstance(limit, list):
            return np.array([reference(y, p, w, average, one) for one in limit])
        several = p.ndim > 1 and p.shape[1] > 1
        if several and limit is not None:
            return function(y, p > limit, average=average, sample_weight=w, zero_division=0.0)
        labels = {"labels": range(p.shape[1]), "average": average} if several else {}
        return function(
            right(y), found(p, 0.5 if limit is None else limit), sample_weight=w, zero_division=0.0, **labels
        )

    return reference


def auc(y, p, w, curve="ROC", average="macro"):
    y = np.eye(p.shape[1], dtype=int)[y] if p.ndim > 1 and p.shape[1] > 1 and y.ndim == 1 else y
    function = sk.roc_auc_score if curve == "ROC" else sk.average_precision_score
    return function(y, p, average=average, sample_weight=w)


def confusion(y, p, w, num_classes=None, threshold=0.5, normalize=None):
    return sk.confusion_matrix(
        right(y), found(p, threshold), labels=classes_of(p), sample_weight=w, normalize=normalize
    )


def kappa(y, p, w, num_classes=None, threshold=0.5, weights=None):
    return sk.cohen_kappa_score(right(y), found(p, threshold), labels=classes_of(p), weights=weights, sample_weight=w)


def matthews(y, p, w, num_classes=None, threshold=0.5):
    return sk.matthews_corrcoef(right(y), found(p, threshold), sample_weight=w)


def of(function, factor=1):
    return lambda y, p, w: factor * function(y, p, sample_weight=w)


def r2(y, p, w, class_aggregation="uniform_average"):
    names = {"variance_weighted_average": "variance_weighted", None: "raw_values"}
    return sk.r2_score(y, p, sample_weight=w, multioutput=names.get(class_aggregation, class_aggregation))


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def log_loss(y, p, w, from_logits=False, label_smoothing=0.0):
    binary = p.ndim == 1 or p.shape[1] == 1
    if from_logits:
        p = 1 / (1 + np.exp(-p)) if binary else softmax(p)
    if not label_smoothing and (y.ndim == 1 or y.dtype.kind == "i"):
        return sk.log_loss(right(y), p, labels=range(2) if binary else CLASSES, sample_weight=w)
    y = np.eye(4)[y] if not binary and y.ndim == 1 else y
    y, p = (np.stack([1 - y, y], axis=1), np.stack([1 - p, p], axis=1)) if binary else (y, p)
    y = (1 - label_smoothing) * y + label_smoothing / y.shape[1]
    return np.average(-(y * np.log(np.clip(p, 2.0**-52, 1))).sum(axis=1), weights=w)


def hinge(y, p, w, power=1):
    if power == 1:
        return sk.hinge_loss(np.where(y == 1, 1, -1), p, labels=[-1, 1], sample_weight=w)
    return np.average(np.maximum(1 - np.where(y == 1, 1, -1) * p, 0) ** power, weights=w)


def categorical_hinge(y, p, w):  # scores above 0, so that Keras's 0 among the others plays no part
    return sk.hinge_loss(right(y), p, labels=CLASSES, sample_weight=w)


def divergence(y, p, w):
    return np.average(rel_entr(y, np.maximum(p, 1e-7)).sum(axis=1), weights=w)


def poisson(y, p, w):
    return np.average(p - xlogy(y, p + 1e-7), weights=w)


def cosine(y, p, w):
    return np.average(1 - paired_cosine_distances(y, p), weights=w)


def log_cosh(y, p, w):
    e = p.astype(np.longdouble) - y
    return float(np.average(np.logaddexp(e, -e).reshape(len(y), -1).mean(axis=1) - np.log(np.longdouble(2)), weights=w))


AVERAGES = [{"average": average} for average in ("macro", "micro", "weighted", None)]
P_AND_R = [
    ("binary", {}), ("column", {"thresholds": 0.2}), ("binary", {"thresholds": [0.1, 0.2, 0.6]}),
    *(("sparse", settings) for settings in AVERAGES), ("one_hot", {}),
    *(("labels", {**settings, "thresholds": 0.2}) for settings in AVERAGES),
]  # fmt: skip
F1 = [
    ("binary", {}), ("binary", {"threshold": 0.2}), *(("sparse", settings) for settings in AVERAGES), ("one_hot", {}),
    *(("labels", {**settings, "threshold": 0.2}) for settings in AVERAGES),
]  # fmt: skip
LABELLED = [
    ("sparse", {}),
    ("one_hot", {}),
    ("binary", {}),
    ("binary", {"threshold": 0.2}),
    ("classes", {"num_classes": 4}),
]
SMOOTH, LOGITS = {"label_smoothing": 0.1}, {"from_logits": True}

CASES = {
    "accuracy": (accuracy, [("sparse", {}), ("one_hot", {}), ("binary", {}), ("column", {})]),
    "sparse_categorical_accuracy": (accuracy, [("sparse", {}), ("logits", {})]),
    "categorical_accuracy": (accuracy, [("one_hot", {}), ("shares", {})]),
    "binary_accuracy": (accuracy, [("binary", {}), ("column", {"threshold": 0.2})]),
    "top_k_categorical_accuracy": (top_k, [("one_hot", {"k": k}) for k in (1, 2, 3)]),
    "sparse_top_k_categorical_accuracy": (top_k, [("sparse", {"k": k}) for k in (1, 2, 3)]),
    "BinaryAccuracy": (accuracy, [("binary", {}), ("column", {"threshold": 0.2})]),
    "CategoricalAccuracy": (accuracy, [("one_hot", {}), ("shares", {})]),
    "SparseCategoricalAccuracy": (accuracy, [("sparse", {}), ("logits", {})]),
    "TopKCategoricalAccuracy": (top_k, [("one_hot", {"k": k}) for k in (1, 2, 3)]),
    "SparseTopKCategoricalAccuracy": (top_k, [("sparse", {"k": k}) for k in (1, 2, 3)]),
    "Precision": (counts(sk.precision_score), P_AND_R),
    "Recall": (counts(sk.recall_score), P_AND_R),
    "F1Score": (counts(sk.f1_score), F1),
    "AUC": (
        auc,
        [
            (form, {"curve": curve, **settings})
            for form, curve, settings in [
                *((form, curve, {}) for form in ("binary", "column", "one_hot", "logits") for curve in ("ROC", "PR")),
                *((form, curve, average) for form in ("sparse", "labels") for curve in ("ROC", "PR") for average in AVERAGES),
            ]
        ],
    ),
    "ConfusionMatrix": (
        confusion, [*LABELLED, *(("sparse", {"normalize": by}) for by in ("true", "pred", "all"))],
    ),
    "CohenKappa": (kappa, [*LABELLED, *(("sparse", {"weights": by}) for by in ("linear", "quadratic"))]),
    "MatthewsCorrelation": (matthews, LABELLED),
    "MeanSquaredError": (of(sk.mean_squared_error), [("number", {}), ("outputs", {})]),
    "RootMeanSquaredError": (
        lambda y, p, w: np.sqrt(sk.mean_squared_error(y, p, sample_weight=w)), [("number", {}), ("outputs", {})],
    ),
    "MeanAbsoluteError": (of(sk.mean_absolute_error), [("number", {}), ("outputs", {})]),
    "MeanAbsolutePercentageError": (of(sk.mean_absolute_percentage_error, 100), [("number", {}), ("outputs", {})]),
    "MeanSquaredLogarithmicError": (of(sk.mean_squared_log_error), [("positive", {})]),
    "R2Score": (
        r2,
        [
            ("number", {}), ("outputs", {}), ("outputs", {"class_aggregation": "variance_weighted_average"}),
            ("outputs", {"class_aggregation": None}),
        ],
    ),
    "BinaryCrossentropy": (
        log_loss, [("binary", {}), ("binary", SMOOTH), ("binary_logits", LOGITS), ("binary_logits", SMOOTH | LOGITS)],
    ),
    "CategoricalCrossentropy": (
        log_loss,
        [("one_hot", {}), ("shares", {}), ("one_hot", SMOOTH), ("one_hot_logits", LOGITS), ("one_hot_logits", SMOOTH | LOGITS)],
    ),
    "LogCoshError": (log_cosh, [("number", {}), ("outputs", {})]),
    "Hinge": (hinge, [("signs", {}), ("signs_or_0", {})]),
    "SquaredHinge": (lambda y, p, w: hinge(y, p, w, 2), [("signs", {}), ("signs_or_0", {})]),
    "CategoricalHinge": (categorical_hinge, [("one_hot_scores", {})]),
    "KLDivergence": (divergence, [("shares", {}), ("one_hot", {})]),
    "Poisson": (poisson, [("counts", {})]),
    "CosineSimilarity": (cosine, [("outputs", {})]),
    "SparseCategoricalCrossentropy": (
        log_loss, [("sparse", {}), ("sparse", SMOOTH), ("logits", LOGITS), ("logits", SMOOTH | LOGITS)],
    ),
}  # fmt: skip
"""For each metric scikit-learn's or SciPy's result (NumPy's where they have none), and the forms of data with settings that
it is compared for."""


def all_cases():
    """Every registered metric has one: a KeyError here means that a metric was registered without."""
    return [(name, form, settings) for name in NAMES for form, settings in CASES[name][1]]
