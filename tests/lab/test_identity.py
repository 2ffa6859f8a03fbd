"""Identities: what changes them, and what does not."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from labkit.errors import ConfigError
from labkit.lab import identity, plain
from labkit.lab.experiments import load
from labkit.lab.sweep import plan

WALK = Path(__file__).parent / "programs" / "walk.py"


def test_json_text_is_one_for_one_value() -> None:
    value = {"b": [1, 2.5, None, True, "ü"], "a": {"x": math.inf, "y": -math.inf}}
    assert plain.dumps(value) == plain.dumps(dict(reversed(list(value.items()))))
    assert plain.loads(plain.dumps(value)) == value
    assert math.isnan(plain.loads(plain.dumps([math.nan]))[0])
    assert plain.dumps(1) != plain.dumps(1.0) != plain.dumps("1.0")


def test_comments_layout_and_docstrings_are_no_code() -> None:
    text = 'def f(x):\n    "Doubles."\n    return x + x  # twice\n'
    same = "def f( x ):\n\n  # why\n  return (x\n    + x)\n"
    assert identity.code_digest({"f.py": text}, {}) == identity.code_digest({"f.py": same}, {})
    assert identity.code_digest({"f.py": text}, {}) != identity.code_digest({"f.py": text.replace("+", "*")}, {})
    assert identity.code_digest({"f.py": text}, {}) != identity.code_digest({"g.py": text}, {})


def test_local_imports_are_code(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("import helper, json\nfrom tools.deep import thing\n")
    (tmp_path / "helper.py").write_text("import other\n")
    (tmp_path / "other.py").write_text("")
    (tmp_path / "unused.py").write_text("")
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "__init__.py").write_text("from . import beside\n")
    (tmp_path / "tools" / "deep.py").write_text("from .beside import x\n")
    (tmp_path / "tools" / "beside.py").write_text("x = 1\n")
    found = set(identity.local_sources(tmp_path / "main.py"))
    assert found == {"main.py", "helper.py", "other.py", "tools/__init__.py", "tools/deep.py", "tools/beside.py"}


def test_seeds_are_not_part_of_a_sweep_and_settings_are() -> None:
    walk = load(WALK)
    base = plan(walk, sweeps=["rate=0.1,0.01"])
    assert base.id == plan(walk, sweeps={"rate": [0.1, 0.01]}).id
    assert base.id == plan(walk, sweeps=["rate=0.1,0.01"], sets=["steps=20"]).id  # as by default
    others = [
        plan(walk),
        plan(walk, sweeps=["rate=0.1"]),
        plan(walk, sweeps=["rate=0.1,0.01"], sets=["steps=21"]),
        plan(walk, sweeps=["rate=0.1,0.01"], quick=True),
    ]
    assert len({base.id, *(other.id for other in others)}) == 5


def test_quick_settings_apply_below_set_ones() -> None:
    walk = load(WALK)
    assert plan(walk, quick=True).base["steps"] == 5
    assert plan(walk, quick=True, sets=["steps=7"]).base["steps"] == 7
    assert plan(walk, quick=True, sweeps=["steps=7,8"]).space_spec == {"steps": [7, 8]}


def test_data_are_part_of_a_trial() -> None:
    assert identity.trial_id("key", {"mnist": "a"}) != identity.trial_id("key", {"mnist": "b"})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sweeps": ["rate=0.1,0.10"]}, "twice"),
        ({"sweeps": {"rate": []}}, "no values"),
        ({"sweeps": ["rate=0.1,0.2"], "sets": ["rate=1"]}, "both set and swept"),
        ({"sets": {"stepz": 1}}, "Did you mean steps?"),
        ({"sets": {"steps": "1"}}, "whole number"),
    ],
)
def test_impossible_plans_are_refused(options: dict, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        plan(load(WALK), **options)
    assert message in str(caught.value)


def test_another_version_of_a_plugin_is_other_code() -> None:
    digests = {identity.code_digest({"f.py": "x = 1"}, {"labkit-teach": version}) for version in ("0.3", "0.4")}
    assert len(digests) == 2
