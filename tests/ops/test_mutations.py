"""The suite notices faults: every record, with any of its rules, bounds and checks removed or wrong, fails its own checks.

The test tier tries a tenth of the records, others on each commit; continuous integration all of them.
"""

from __future__ import annotations

import pytest

from labkit.core.opdef import OPS, OpDef
from labkit.errors import LabkitError
from tests.ops.checks import checks
from tests.ops.mutations import mutations
from tests.ops.records import WITH_SAMPLES, seed
from tests.ops.refusals import block, stored

TENTH = [record for i, record in enumerate(WITH_SAMPLES) if (i + seed()) % 10 == 0]


def notices(record: OpDef) -> bool:
    """Whether the record's checks, or its texts in the snapshot, tell it from a sound one."""
    try:
        if block(record) != stored().get(record.name):
            return True
        for check in checks(record):
            check(record)
    except (LabkitError, AssertionError, ArithmeticError, AttributeError, IndexError, KeyError, TypeError, ValueError):
        return True
    return False


def undetected(record: OpDef, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    missed = []
    for mutation in mutations(record):
        monkeypatch.setitem(OPS, record.name, mutation.record)
        if not notices(mutation.record) and mutation.reached():
            missed.append(mutation.label)
    monkeypatch.setitem(OPS, record.name, record)
    return missed


@pytest.mark.parametrize("record", TENTH, ids=lambda record: record.name)
def test_a_fault_in_some_record_is_noticed(record: OpDef, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not notices(record), "the record fails without a fault; see test_records.py and test_refusals.py"
    assert undetected(record, monkeypatch) == []


@pytest.mark.ci
@pytest.mark.parametrize("record", WITH_SAMPLES, ids=lambda record: record.name)
def test_a_fault_in_any_record_is_noticed(record: OpDef, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not notices(record)
    assert undetected(record, monkeypatch) == []
