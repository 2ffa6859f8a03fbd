"""Every registered metric: the kit's contract, scikit-learn's results, the same bits however the examples come."""

import warnings

import numpy as np
import pytest

from labkit import testing
from labkit.metrics.mean import as_metric
from labkit.plugins import resolve, spec_of
from tests.families.metric_cases import CASES, KINDS, NAMES, all_cases, data

with_cases = pytest.mark.parametrize(
    ("name", "form", "settings"), all_cases(), ids=lambda value: str(value) if value else "plain"
)


def spec(name, settings):
    return {"name": name, **settings} if settings else name


def scikit_learn(name, settings):
    """scikit-learn's result, without its warnings for what is not defined or no probability."""

    def reference(y_true, y_pred, weight):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return CASES[name][0](y_true, y_pred, weight, **settings)

    return reference


@with_cases
def test_contract(name, form, settings):
    y_true, y_pred = data(form, "random", 14)
    testing.check_metric(resolve("metrics", spec(name, settings)), y_true, y_pred, scikit_learn(name, settings), name)


@with_cases
@pytest.mark.parametrize("kind", KINDS)
def test_scikit_learns_result_whatever_the_batches(name, form, settings, kind):
    examples = 150
    y_true, y_pred = data(form, kind, examples, seed=1)
    random = np.random.default_rng(2)
    for weight in (None, random.uniform(0.1, 3, examples), random.integers(0, 3, examples)):
        expected = scikit_learn(name, settings)(y_true, y_pred, weight)
        results = []
        for cuts in ([], sorted(random.integers(0, examples, 10)), range(1, examples)):
            metric = as_metric(resolve("metrics", spec(name, settings)))
            if len(cuts) > 10 and (weight is None or hasattr(metric, "fn")):
                continue  # one by one only once, and not for graphs: the kit did that
            for part in np.split(random.permutation(examples), cuts):
                metric.update_state(y_true[part], y_pred[part], None if weight is None else weight[part])
            results.append(metric.result())
        np.testing.assert_allclose(results[0], expected, 1e-12, 1e-12)
        for other in results[1:]:
            np.testing.assert_array_equal(other, results[0], "the bits depend on the batches or the order")


def test_every_metric_has_a_case_and_keeps_its_settings():
    assert set(NAMES) == set(CASES)
    for name, _, settings in all_cases():
        metric = resolve("metrics", spec(name, settings))
        again = resolve("metrics", spec_of("metrics", metric))
        assert repr(again) == repr(metric) or again.func is metric.func
        assert spec_of("metrics", again) == spec_of("metrics", metric)
