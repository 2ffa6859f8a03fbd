"""Operations that only order others."""

from __future__ import annotations

from labkit.core.opdef import NotDifferentiable, OpDef, register

register(
    OpDef(
        name="NoOp",
        inputs=(),
        outputs=(),
        dtypes=lambda inputs, attrs: [],
        shapes=lambda c: [],
        pure=False,
        gradient=NotDifferentiable("it computes nothing"),
        doc="Nothing: a place for control dependencies.",
    )
)
