"""Every wrong use of an operation is refused with a typed error that names the operation and the user's line; the texts
stand in refusals.txt, to be read by people."""

from __future__ import annotations

import difflib
import os

import pytest

from labkit.core.opdef import OpDef
from tests.ops.checks import one_dtype
from tests.ops.records import WITH_SAMPLES
from tests.ops.refusals import FILE, HEADER, block, menu, run_menu, stored, tried, wrong_dtypes

HOW = (
    "If the new texts are right: LABKIT_UPDATE_SNAPSHOTS=1 pytest tests/ops/test_refusals.py, and commit refusals.txt."
)


def test_the_texts_are_those_of_the_snapshot() -> None:
    blocks = {record.name: block(record) for record in WITH_SAMPLES}
    if os.environ.get("LABKIT_UPDATE_SNAPSHOTS") == "1":
        FILE.write_text("\n".join([HEADER, *blocks.values()]))
    before = stored()
    changed = [name for name in blocks | before if blocks.get(name) != before.get(name)]
    if changed:
        name = changed[0]
        lines = [(b.get(name) or "").splitlines() for b in (before, blocks)]
        difference = "\n".join(difflib.unified_diff(*lines, "refusals.txt", "now", lineterm="", n=1))
        pytest.fail(
            f"{len(changed)} operations answer otherwise: {', '.join(changed)}\n{difference}\n{HOW}", pytrace=False
        )


@pytest.mark.parametrize("record", WITH_SAMPLES, ids=lambda record: record.name)
def test_an_error_names_operation_line_and_rule(record: OpDef) -> None:
    case = one_dtype(record)[0]
    for run, uses in ((False, wrong_dtypes(record, case)), (False, menu(record, case)), (True, run_menu(record, case))):
        for use in uses:
            error = tried(record, use, run=run)
            if error is None:
                continue
            assert record.name in error.what, f"{use.label}: {error}"
            assert "refusals.py:" in error.what, f"{use.label}: {error}"
            assert error.rule or error.received, f"{use.label}: {error}"
