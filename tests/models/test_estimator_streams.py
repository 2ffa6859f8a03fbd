"""Estimators on data sets: what they learn and say is what they do of arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import labkit as lk
from labkit.data import Dataset
from labkit.errors import FailedPreconditionError, FeedError, InvalidArgumentError, PipelineError
from labkit.models import numpy_input_fn
from tests.data.pipelines import require_no_threads

fc = lk.feature_column
RANDOM = np.random.default_rng(5)
N = 120
TABLE = {
    "size": RANDOM.normal(2.0, 1.0, N),
    "place": RANDOM.normal(size=(N, 2)),
    "kind": RANDOM.choice(["flat", "house", "hut"], N),
    "w": RANDOM.uniform(0.5, 2.0, N),
}
COLUMNS = [
    fc.numeric_column("size"),
    fc.numeric_column("place", 2),
    fc.categorical_column_with_vocabulary_list("kind", ["flat", "house"]),
]
PRICE = TABLE["size"] * 3 - TABLE["place"][:, 0] + RANDOM.normal(0, 0.3, N)
RANK = RANDOM.choice(["low", "middle", "high"], N)
BATCHES = Dataset.from_tensor_slices((TABLE, PRICE)).batch(30)


@pytest.fixture(autouse=True)
def no_thread_outlives_a_test() -> Any:
    yield
    require_no_threads()


def regressor(**options: Any) -> Any:
    return lk.LinearRegressor(COLUMNS, optimizer=lk.optimizers.SGD(0.05), seed=1, **options)


def same(a: Any, b: Any) -> bool:
    return all(
        np.array_equal(a.get_variable_value(name), b.get_variable_value(name)) for name in a.get_variable_names()
    )


@pytest.mark.parametrize("weighted", [False, True])
def test_a_stream_trains_and_judges_as_arrays_do(weighted: bool) -> None:
    options = {"weight_column": "w"} if weighted else {}
    arrays = regressor(**options).train(numpy_input_fn(TABLE, PRICE, 30, 2, shuffle=False))
    stream = regressor(**options).train(lambda: BATCHES.repeat(2))
    assert stream.global_step == arrays.global_step == 8
    assert same(arrays, stream)
    expected = arrays.evaluate((TABLE, PRICE))
    assert stream.evaluate(lambda: BATCHES) == expected
    assert stream.evaluate(BATCHES.repeat(), steps=4) == expected
    first = numpy_input_fn(TABLE, PRICE, 30, 1, shuffle=False)
    assert stream.evaluate(BATCHES, steps=1) == arrays.evaluate(first, steps=1)
    rows = [row["predictions"] for row in stream.predict(lambda: BATCHES)]
    assert np.array_equal(rows, [row["predictions"] for row in arrays.predict(lambda: TABLE)])
    only_features = Dataset.from_tensor_slices(TABLE).batch(7)
    assert np.array_equal(stream.predict(only_features), arrays.predict(TABLE))


def test_classes_with_names() -> None:
    options: dict[str, Any] = {"n_classes": 3, "label_vocabulary": ["low", "middle", "high"], "seed": 1}
    stream = lk.DNNClassifier([4], feature_columns=[COLUMNS[0]], **options)
    arrays = lk.DNNClassifier([4], feature_columns=[COLUMNS[0]], **options)
    dataset = Dataset.from_tensor_slices((TABLE, RANK)).batch(40)
    stream.train(dataset, steps=2)
    arrays.train(numpy_input_fn(TABLE, RANK, 40, 1, shuffle=False), steps=2)
    assert stream.evaluate(dataset) == arrays.evaluate((TABLE, RANK))
    assert next(stream.predict(lambda: dataset))["classes"] in options["label_vocabulary"]


def test_training_ends_at_the_first_limit(tmp_path: Path) -> None:
    model = regressor(model_dir=tmp_path)
    assert model.train(BATCHES).global_step == 4
    assert model.train(BATCHES.repeat(), steps=5).global_step == 9
    assert model.train(BATCHES.repeat(), max_steps=11).global_step == 11
    assert model.train(BATCHES.repeat(), max_steps=11).global_step == 11
    assert model.train(BATCHES, steps=100).global_step == 15
    assert regressor(model_dir=tmp_path).train(BATCHES, steps=1).global_step == 16
    with pytest.raises(InvalidArgumentError, match="would not end"):
        model.train(BATCHES.repeat())
    with pytest.raises(InvalidArgumentError, match="would not end"):
        model.evaluate(BATCHES.repeat())


def test_every_training_reads_another_epoch() -> None:
    seen: list[list[float]] = [[]]

    def look(features: Any, label: Any) -> Any:
        seen[-1].append(float(label))
        return features, label

    dataset = Dataset.from_tensor_slices((TABLE, PRICE)).shuffle(seed=1).map(look).batch(60)
    model = regressor().train(dataset)
    seen.append([])
    model.train(dataset)
    assert sorted(seen[0]) == sorted(seen[1]) == sorted(PRICE.tolist())
    assert seen[0] != seen[1]


def test_elements_that_are_no_batches_are_refused() -> None:
    with pytest.raises(PipelineError, match=r"no batches of features and labels.*batch\(128\)"):
        regressor().train(Dataset.from_tensor_slices((TABLE, PRICE)))
    with pytest.raises(PipelineError, match="no batches of features and labels"):
        regressor().train(Dataset.from_tensor_slices((TABLE, PRICE, PRICE)).batch(9))
    with pytest.raises(FailedPreconditionError, match="not trained"):
        regressor().evaluate(BATCHES)


@pytest.mark.parametrize(
    ("settings", "steps"), [({}, 4), ({"epochs": 3}, 12), ({"steps": 6}, 6), ({"steps": 5, "epochs": 1}, 4)]
)
def test_fit_takes_what_train_takes(settings: dict[str, Any], steps: int) -> None:
    fitted = regressor().fit(BATCHES, **settings)
    trained = regressor().train(BATCHES.repeat(), steps=steps)
    assert fitted.global_step == steps
    assert same(fitted, trained)
    assert fitted.score(BATCHES) == pytest.approx(fitted.score(TABLE, PRICE), rel=1e-12)


def test_fit_and_score_say_what_is_missing() -> None:
    model = regressor().fit(BATCHES)
    for call in (model.fit, model.score):
        with pytest.raises(InvalidArgumentError, match="Leave y out"):
            call(BATCHES, PRICE)
        with pytest.raises(FeedError, match="features and labels"):
            call(TABLE)
    with pytest.raises(InvalidArgumentError, match=r"Leave it out: dataset.batch\(32\)"):
        model.fit(BATCHES, batch_size=30)
    with pytest.raises(InvalidArgumentError, match="epochs must be"):
        model.fit(BATCHES, epochs=0)
    with pytest.raises(PipelineError, match=r"features alone.*label= of CsvDataset"):
        model.fit(BATCHES.map(lambda x, y: x))
    with pytest.raises(FeedError, match=r"texts.*label_vocabulary=\["):
        lk.LinearClassifier(COLUMNS[:1], n_classes=3).fit(TABLE, RANK)
