"""Operations against PyTorch's, forward and gradient, on random inputs: `pytest -m campaign -k peers -s` where torch is
installed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import labkit as lk
from labkit.core import dtypes as dt
from labkit.core.opdef import OpDef
from tests.ops.records import DIFFERENTIABLE, WITH_SAMPLES, Case, Uses, accepts, sample_dtypes

pytestmark = [pytest.mark.campaign, pytest.mark.filterwarnings("ignore:.*has added 1000 operations")]
DRAWS = 5
BOUNDS = {dt.float32: 3e-4, dt.float64: 1e-9}
"""How far results may be apart, as a part of the largest number of the result or gradient."""


def compared(record: OpDef, dtype: dt.DType, peer: Any, torch: Any) -> tuple[int, float, float]:
    """How many cases were compared; the largest differences of results and of gradients."""
    cases = [
        case
        for number in range(DRAWS)
        for sample in record.samples(np.random.default_rng(number))  # type: ignore[misc]
        if accepts(record, (case := Case(sample, sample_dtypes(sample, dtype))).dtypes, sample.attrs)
    ]
    uses = Uses(record, cases)
    rng = np.random.default_rng(1)
    count, worst, worst_gradient = 0, 0.0, 0.0
    for use, ours in zip(uses.uses, uses.run(uses.outputs), strict=True):
        inputs = [torch.from_numpy(x.copy()) for x in use.arrays]
        floats = [i for i, x in enumerate(use.inputs) if x.dtype.is_floating]
        for i in floats:
            inputs[i].requires_grad_(True)
        theirs = peer(*inputs, **use.op.attrs)
        if theirs is NotImplemented:
            continue
        results = list(theirs) if isinstance(theirs, tuple | list) else [theirs]
        loss, weighted = None, None
        for tensor, a, b in zip(use.op.outputs, ours, results, strict=False):
            worst = max(worst, apart(a, b.detach().numpy()))
            if tensor.dtype is dtype and b.requires_grad:
                weights = rng.normal(size=a.shape).astype(dtype.numpy)
                term = (b * torch.from_numpy(np.asarray(weights))).sum()
                loss = term if loss is None else loss + term
                with uses.graph.as_default():
                    own = lk.reduce_sum(tensor * weights)
                    weighted = own if weighted is None else weighted + own
        count += 1
        if loss is None or record not in DIFFERENTIABLE or not use.case.sample.differentiate:
            continue
        loss.backward()
        with uses.graph.as_default():
            grads = lk.gradients(weighted, [use.inputs[i] for i in floats])
            wanted = [
                (inputs[i].grad, lk.convert_to_tensor(g)) for i, g in zip(floats, grads, strict=True) if g is not None
            ]
        for (grad, _), got in zip(wanted, uses.run([g for _, g in wanted]), strict=True):
            if grad is not None:
                worst_gradient = max(worst_gradient, apart(got, grad.numpy()))
    return count, worst, worst_gradient


def apart(a: Any, b: np.ndarray) -> float:
    x, y = np.asarray(a), np.asarray(b)
    assert x.shape == y.shape, f"{x.shape}, PyTorch {y.shape}"
    if x.dtype.kind != "f":
        return float(np.any(x != y))
    assert np.array_equal(np.isfinite(x), np.isfinite(y))
    both = np.isfinite(x)
    scale = max(1.0, float(np.max(np.abs(y[both]), initial=0)))
    return float(np.max(np.abs(x[both] - y[both]), initial=0)) / scale


def test_operations_agree_with_pytorch() -> None:
    torch = pytest.importorskip("torch")
    from tests.ops.peers import PEERS

    lines, wrong = [], []
    for record in WITH_SAMPLES:
        for dtype in dt.FLOATS:
            if record.name not in PEERS:
                continue
            try:
                count, worst, gradient = compared(record, dtype, PEERS[record.name], torch)
            except Exception as error:
                wrong.append(f"{record.name} {dtype.name}: {type(error).__name__}: {error}"[:300])
                continue
            lines.append(f"{record.name:36} {dtype.name} {count:4} cases  {worst:.1e}  gradient {gradient:.1e}")
            if max(worst, gradient) > BOUNDS[dtype]:
                wrong.append(lines[-1])
    print("\n".join(["", *lines, f"{len(lines) // 2} operations compared with PyTorch {torch.__version__}"]))
    assert not wrong, "\n".join(wrong)
