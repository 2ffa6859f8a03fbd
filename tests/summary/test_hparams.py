"""TensorBoard's HParams page: asked through its own backend, as the browser does."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tensorboard import context
from tensorboard.backend.event_processing import data_provider, plugin_event_multiplexer
from tensorboard.plugins.hparams import api_pb2, backend_context, list_session_groups, metadata as hparams_metadata

from labkit.summary import EventWriter


def backend(folder: Path) -> Any:
    multiplexer = plugin_event_multiplexer.EventMultiplexer()
    multiplexer.AddRunsFromDirectory(str(folder))
    multiplexer.Reload()
    provider = data_provider.MultiplexerDataProvider(multiplexer, str(folder))
    return backend_context.Context(SimpleNamespace(data_provider=provider))


def experiment(folder: Path) -> Any:
    """What the page's columns are made from."""
    hparams = backend(folder)
    metadata = hparams.hparams_metadata(context.RequestContext(), "e")
    return hparams.experiment_from_metadata(context.RequestContext(), "e", True, metadata, [])


def session_groups(folder: Path) -> list[Any]:
    """The page's rows, with averaged metrics."""
    statuses = [api_pb2.STATUS_UNKNOWN, api_pb2.STATUS_SUCCESS, api_pb2.STATUS_FAILURE, api_pb2.STATUS_RUNNING]
    request = api_pb2.ListSessionGroupsRequest(
        start_index=0, slice_size=100, allowed_statuses=statuses, aggregation_type=api_pb2.AGGREGATION_AVG
    )
    handler = list_session_groups.Handler(context.RequestContext(), backend(folder), "e", request)
    return list(handler.run().session_groups)


def write_sweep(folder: Path) -> None:
    """Two configurations of two seeds, logged as trials are: scalars in the trial's folder and in runs below it."""
    number = 0
    for group, rate in (("config-a", 0.1), ("config-b", 0.01)):
        for seed in range(2):
            number += 1
            trial = folder / f"t{number:04d}"
            with EventWriter(trial) as writer, EventWriter(trial / "validation") as validation:
                writer.hparams(
                    {"learning_rate": rate, "optimizer": "adam", "augment": True, "layers": [64, 128]}, group
                )
                writer.scalar("loss", rate + seed, 1)
                validation.scalar("accuracy", 0.5 + seed / 4, 1)
                if group == "config-a":
                    writer.hparams_end("success" if seed == 0 else "failure")


def values(group: Any) -> dict[str, float]:
    return {f"{m.name.group}/{m.name.tag}".strip("/"): m.value for m in group.metric_values}


def test_rows_are_configurations_with_averages_over_their_seeds(tmp_path: Path) -> None:
    write_sweep(tmp_path)
    rows = {group.name: group for group in session_groups(tmp_path)}
    assert rows.keys() == {"config-a", "config-b"}
    row = rows["config-a"]
    assert row.hparams["learning_rate"].number_value == 0.1
    assert row.hparams["optimizer"].string_value == "adam"
    assert row.hparams["augment"].bool_value is True
    assert row.hparams["layers"].string_value == "[64, 128]"
    assert values(row) == {"loss": pytest.approx(0.6), "validation/accuracy": pytest.approx(0.625)}
    assert [s.status for s in row.sessions] == [api_pb2.STATUS_SUCCESS, api_pb2.STATUS_FAILURE]
    assert [s.name for s in row.sessions] == ["t0001", "t0002"]
    assert values(rows["config-b"])["loss"] == pytest.approx(0.51)
    assert [s.status for s in rows["config-b"].sessions] == [api_pb2.STATUS_UNKNOWN] * 2


def test_columns_need_no_declaration(tmp_path: Path) -> None:
    write_sweep(tmp_path)
    found = experiment(tmp_path)
    assert {info.name for info in found.hparam_infos} == {"learning_rate", "optimizer", "augment", "layers"}
    assert {(info.name.group, info.name.tag) for info in found.metric_infos} == {
        ("", "loss"),
        ("validation", "accuracy"),
    }


def test_no_run_holds_an_experiment_tag(tmp_path: Path) -> None:
    write_sweep(tmp_path)
    metadata = backend(tmp_path).hparams_metadata(context.RequestContext(), "e")
    assert len(metadata) == 4
    for tags in metadata.values():
        assert hparams_metadata.EXPERIMENT_TAG not in tags
        assert hparams_metadata.SESSION_START_INFO_TAG in tags


def test_a_resumed_trial_is_one_session_and_ends_once(tmp_path: Path) -> None:
    for purge_step, status in ((None, None), (2, "success")):
        with EventWriter(tmp_path / "t0001", purge_step) as writer:
            writer.hparams({"rate": 0.1}, "g")
            writer.scalar("loss", 1, 1 if purge_step is None else 2)
            if status == "success":
                writer.hparams_end("success")
    (row,) = session_groups(tmp_path)
    (session,) = row.sessions
    assert session.status == api_pb2.STATUS_SUCCESS
    assert values(row) == {"loss": 1}


def test_nested_and_odd_values_are_shown(tmp_path: Path) -> None:
    import numpy as np

    config = {
        "optimizer": {"name": "adam", "rate": np.float32(0.5)},
        "nothing": None,
        "nan": float("nan"),
        "steps": np.int64(3),
        "empty": {},
    }
    with EventWriter(tmp_path / "t") as writer:
        writer.hparams(config)
    (row,) = session_groups(tmp_path)
    assert row.name == "t"
    shown = row.hparams
    assert shown["optimizer.name"].string_value == "adam"
    assert shown["optimizer.rate"].number_value == 0.5
    assert shown["nothing"].string_value == "None"
    assert shown["nan"].string_value == "nan"
    assert shown["steps"].number_value == 3
    assert shown["empty"].string_value == "{}"
