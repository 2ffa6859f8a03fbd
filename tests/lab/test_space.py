"""Spaces: the three ways to write a domain are one, values fit their keys, conditions hold."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

import labkit as lk
from labkit.errors import ConfigError, LabkitError
from labkit.lab.experiments import Experiment, load
from labkit.lab.space.conditions import count
from labkit.lab.space.reading import describe, from_spec, space_from_spec
from labkit.lab.sweep import plan

PROGRAM = '''
import dataclasses
from typing import Annotated, Any, Literal
import labkit as lk

@dataclasses.dataclass
class Config:
    kind: Literal["adam", "sgd", "rmsprop"] = "adam"
    rate: float = 0.1
    momentum: float = 0.9
    width: int = 16
    depth: int | None = None
    sizes: list[int] = dataclasses.field(default_factory=lambda: [1])
    name: str = "x"
    optimizer: Annotated[Any, lk.ComponentOf("optimizers")] = "adam"

@lk.experiment(metric="loss", space={SPACE})
def spaces(config: Config, trial: lk.Trial):
    """What?"""
'''


@pytest.fixture(scope="module")
def experiment(tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    path = tmp_path_factory.mktemp("spaces") / "spaces.py"
    path.write_text(PROGRAM.replace("{SPACE}", "{}"))
    return load(path)


@pytest.mark.parametrize(
    ("text", "domain", "spec"),
    [
        ("rate=uniform(0,1)", {"rate": lk.space.uniform(0, 1)}, {"uniform": [0.0, 1.0]}),
        ("rate = log_uniform( 1e-4, 0.1 )", {"rate": lk.space.log_uniform(1e-4, 0.1)}, {"log_uniform": [1e-4, 0.1]}),
        ("width=integers(16,256)", {"width": lk.space.integers(16, 256)}, {"integers": [16, 256]}),
        ("depth=integers(1,9,log)", {"depth": lk.space.integers(1, 9, log=True)}, {"integers": [1, 9, "log"]}),
        ("kind=choice(adam,sgd)", {"kind": lk.space.choice(["adam", "sgd"])}, ["adam", "sgd"]),
        ("sizes=[1,2],[3]", {"sizes": [[1, 2], [3]]}, [[1, 2], [3]]),
        ("depth=none,2", {"depth": (None, 2)}, [None, 2]),
        ("name=uniform,a(b)", {"name": ["uniform", "a(b)"]}, ["uniform", "a(b)"]),
        ("optimizer=adam,sgd(momentum=0.9)", {"optimizer": ["adam", {"name": "sgd", "momentum": 0.9}]}, None),
        ("rate=0.1,0.2 when kind=sgd", {"rate": lk.space.choice([0.1, 0.2]).when({"kind": "sgd"})}, None),
        ("optimizer.momentum=uniform(0,1)", {"optimizer.momentum": lk.space.uniform(0, 1)}, {"uniform": [0.0, 1.0]}),
    ],
)
def test_texts_python_and_json_mean_the_same(experiment: Experiment, text: str, domain: dict, spec: Any) -> None:
    base = {"kind": "sgd"} if "when" in text else {"optimizer": "sgd"} if "optimizer." in text else {}
    one, other = plan(experiment, sweeps=[text], sets=base), plan(experiment, sweeps=domain, sets=base)
    assert (one.id, one.space) == (other.id, other.space)
    ((name, found),) = one.space.items()
    assert spec is None or found.spec() == spec
    assert from_spec(found.spec()) == found
    if name != "optimizer":  # whose settings JSON shows
        assert plan(experiment, sweeps=[describe(one.space_spec)], sets=base).id == one.id


def test_conditions_in_all_forms(experiment: Experiment) -> None:
    text = ["momentum=uniform(0,1) when kind=sgd,rmsprop and width=16", "width=8,16", "kind=adam,sgd,rmsprop"]
    made = {
        "momentum": lk.space.uniform(0, 1).when(kind=["sgd", "rmsprop"], width=16),
        "width": [8, 16],
        "kind": ["adam", "sgd", "rmsprop"],
    }
    one = plan(experiment, sweeps=text)
    assert one.id == plan(experiment, sweeps=made).id
    assert list(one.space) == ["width", "kind", "momentum"]  # behind what it depends on
    assert from_spec(one.space["momentum"].spec()) == one.space["momentum"]
    assert one.space_spec["momentum"] == {
        "when": [{"kind": ["sgd", "rmsprop"], "width": [16]}, {"uniform": [0.0, 1.0]}]
    }
    shuffled = space_from_spec(dict(sorted(one.space_spec.items(), reverse=True)))  # momentum before kind
    assert list(shuffled) == ["width", "kind", "momentum"]
    assert {name: domain.spec() for name, domain in shuffled.items()} == one.space_spec
    assert describe(one.space_spec).endswith("momentum=uniform(0,1) when kind=sgd,rmsprop and width=16")
    assert one.config({"width": 8, "kind": "sgd"})["momentum"] == 0.9
    config = one.config({"width": 16, "kind": "sgd", "momentum": 0.25})
    assert config["momentum"] == 0.25
    assert one.choice(config) == {"width": 16, "kind": "sgd", "momentum": 0.25}
    assert one.choice({**config, "kind": "adam"}) == {"width": 16, "kind": "adam"}


def test_the_value_where_a_condition_does_not_hold_can_be_set(experiment: Experiment) -> None:
    sweeps = ["kind=adam,sgd", "momentum=0.5,0.7 when kind=sgd"]
    found = plan(experiment, sweeps=sweeps, sets=["momentum=0"])
    assert found.config({"kind": "adam"})["momentum"] == 0.0
    assert count(found.space) == 3
    with pytest.raises(ConfigError, match="kind is both set and swept"):
        plan(experiment, sweeps=sweeps, sets=["kind=sgd"])


def test_settings_of_one_component_of_several(experiment: Experiment) -> None:
    found = plan(experiment, sweeps=["optimizer=adam,sgd", "optimizer.momentum=0.5,0.9 when optimizer=sgd"])
    assert "optimizer.momentum" not in found.config({"optimizer": "adam"})
    assert found.config({"optimizer": "sgd", "optimizer.momentum": 0.5})["optimizer.momentum"] == 0.5
    with pytest.raises(ConfigError, match="momentum"):  # adam has none
        plan(experiment, sweeps=["optimizer=adam,sgd", "optimizer.momentum=0.5,0.9"])


def test_a_declared_space_follows_what_is_set(tmp_path: Path) -> None:
    space = '{"kind": ["adam", "sgd"], "momentum": lk.space.uniform(0, 1).when(kind="sgd"), "width": [1, 2]}'
    path = tmp_path / "declared.py"
    path.write_text(PROGRAM.replace("{SPACE}", space))
    found = load(path)
    assert list(plan(found).space) == ["kind", "momentum", "width"]
    assert list(plan(found, sets=["kind=adam"]).space) == ["width"]  # the condition never holds
    assert plan(found, sets=["kind=sgd"]).space["momentum"] == lk.space.uniform(0, 1)  # always
    assert list(plan(found, sweeps=["kind=adam,rmsprop"]).space) == ["width", "kind"]
    assert list(plan(found, sets=["momentum=1"]).space) == ["kind", "width"]


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["rate=uniform(1,0)"], "sweep over rate: uniform .* low below high.*low=1.0, high=0.0"),
        (["rate=uniform(1)"], r"sweep over rate: uniform has other arguments. It is uniform\(low,high\)"),
        (["rate=uniform(a,b)"], "sweep over rate: .*finite numbers"),
        (["rate=uniform(0,inf)"], "finite numbers"),
        (["rate=log_uniform(0,1)"], "low is above 0"),
        (["rate=loguniform(1e-4,1)"], r"rate cannot be drawn from loguniform.*Did you mean log_uniform\?"),
        (["width=uniform(0,1)"], r"width cannot be drawn from uniform\(0,1\).*fractions.*integers\(low,high\)"),
        (["rate=integers(1,3)"], r"rate cannot be drawn from integers\(1,3\).*whole numbers.*uniform"),
        (["kind=integers(1,3)"], "kind cannot be drawn .*List its values"),
        (["width=integers(1.5,3)"], "whole numbers"),
        (["width=integers(1,3,logarithm)"], r"integers\(low,high,log\)"),
        (["width=integers(0,3,log)"], "low is above 0"),
        (["width=choice(1,x)"], "width takes a whole number"),
        (["rate=0.1,0.1"], "sweep over rate: the value 0.1 stands there twice"),
        (["momentum=0.1 when kind=sgdd"], "kind takes one of adam, sgd, rmsprop"),
        (["momentum=0.1 when knid=sgd"], "the condition of momentum names the key 'knid'.*kind"),
        (["momentum=0.1 when kind=sgd"], "condition of momentum can never hold.*kind=adam"),
        (
            ["momentum=0.1 when kind=sgd", "kind=adam,rmsprop"],
            "condition of momentum can never hold.*kind=adam,rmsprop",
        ),
        (["momentum=0.1 when rate=0.5", "rate=uniform(0,1)"], "condition of momentum speaks of rate.*single values"),
        (["momentum=0.1 when rate=0.5", "rate=0.5 when momentum=0.1"], "go round in a circle"),
        (["knid=sgd,adam"], "key 'knid'.*Did you mean kind"),
    ],
)
def test_what_cannot_be_swept_is_said(experiment: Experiment, texts: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        plan(experiment, sweeps=texts)


@pytest.mark.parametrize(
    "sweep",
    [
        {"rate": 0.1},
        {"rate": {"uniform": [0, 1]}},
        {"rate": []},
        {"width": lk.space.choice([1.5])},
        {"rate": [math.nan]},
    ],
)
def test_python_values_are_checked_likewise(experiment: Experiment, sweep: dict) -> None:
    with pytest.raises(ConfigError, match=r"rate|width"):
        plan(experiment, sweeps=sweep)


def test_what_no_search_is_said(experiment: Experiment) -> None:
    for search, message in (
        ("randm", "random"),
        ("random(sed=1)", "Did you mean 'seed'"),
        ("asha", "min_steps"),
        ("asha(min_steps=0)", "min_steps is 1 or more"),
        ("asha(3)", "settings as asha"),
        ("grid", "rate has none to list"),
    ):
        with pytest.raises(LabkitError, match=message):
            plan(experiment, sweeps=["rate=uniform(0,1)"], search=search)


def test_which_search_goes_without_saying(experiment: Experiment) -> None:
    assert plan(experiment, sweeps=["rate=0.1,0.2"]).search == {"name": "grid"}
    assert plan(experiment, sweeps=["rate=uniform(0,1)"]).search == {"name": "random"}
    found = plan(experiment, sweeps=["rate=uniform(0,1)"], search="asha(min_steps=10,reduction_factor=3)")
    assert found.search == {"name": "asha", "min_steps": 10, "reduction_factor": 3}
    other = plan(experiment, sweeps=["rate=uniform(0,1)"], search={"name": "asha", "min_steps": 10})
    assert found.id != other.id


@pytest.mark.parametrize(
    "spec",
    [
        [],
        3,
        "uniform(0,1)",
        {},
        {"uniform": [0, 1], "list": []},
        {"uniform": 3},
        {"uniform": []},
        {"uniform": [0, 1, "log"]},
        {"uniform": [None, {}]},
        {"integers": [1, 2, 3]},
        {"integers": [True, 2]},
        {"nonsense": [0, 1]},
        {"when": []},
        {"when": [[], [1]]},
        {"when": [{}, [1]]},
        {"when": [{"kind": []}, [1]]},
        {"when": [{"kind": ["sgd"]}, {"when": 1}]},
    ],
)
def test_a_space_from_elsewhere_that_is_none(spec: Any) -> None:
    with pytest.raises(ConfigError):
        space_from_spec({"rate": spec})


def test_long_lists_are_not_gone_through_for_every_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    from labkit.lab.space import domains

    values = domains.Values(range(1000))
    counted: list[Any] = []
    dumps = domains.plain.dumps
    monkeypatch.setattr(domains.plain, "dumps", lambda value: counted.append(value) or dumps(value))
    assert all(values.contains(value) and values.index(value) == value for value in range(1000))
    assert len(counted) <= 3000
    assert not values.contains(1.0)
