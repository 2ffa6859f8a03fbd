"""Plans of every operation's samples as text, for core_ext/tests/plan_run."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from random import Random

import numpy as np

import labkit as lk
from labkit.core.opdef import NotDifferentiable, OpDef
from labkit.errors import LabkitError
from tests.numerics.fusible import Fusible
from tests.numerics.twins import Twins, told
from tests.ops.checks import Derivatives, one_dtype, smooth
from tests.ops.records import Uses, cases, generator

NUMBERS = ("-1", "0", "1", "2", "7", "255", "65536", "2147483647", "2147483648", "-9223372036854775808",
           "9223372036854775807", "nan", "inf", "-0x1p+1023", "1e300")  # fmt: skip


def plans(record: OpDef) -> Iterator[str]:
    """The record's samples in every dtype with their own inputs as constants, so that indices are in range; in one dtype as
    feeds, which plan_run fills itself; and their derivatives."""
    for constant, chosen in ((True, list(cases(record))), (False, one_dtype(record))):
        uses = Uses(record, chosen, constant=constant, optimize=False)
        uses.run(uses.outputs)
        yield from described(uses.session)
    if isinstance(record.gradient, NotDifferentiable):
        return
    derivatives = Derivatives(record, smooth(record)[:4], generator(record))
    try:
        derivatives.uses.run(derivatives.gradients(derivatives.losses))
    except LabkitError:  # a rule that refuses
        return
    yield from described(derivatives.uses.session)


def control_flow_plans() -> Iterator[str]:
    """Conditions and loops inside each other, and their derivatives."""
    with lk.Graph().as_default() as graph, lk.Session(graph) as session:
        x, choice = lk.placeholder(lk.float64, [5, 3]), lk.placeholder(lk.bool, [])
        total = lk.Variable(0.0, dtype=lk.float64)

        def step(state: lk.Tensor, row: lk.Tensor) -> lk.Tensor:
            grown = lk.while_loop(lambda a: lk.reduce_sum(a) < 3, lambda a: a + 1, [lk.abs(row)], maximum_iterations=4)
            return lk.cond(
                choice, lambda: lk.tanh(state) * grown, lambda: state + grown * lk.random.uniform([3], dtype=lk.float64)
            )

        with lk.control_dependencies([lk.cond(choice, lambda: total.assign_add(1.0), lambda: total.assign_add(2.0))]):
            states = lk.scan(step, x, lk.ones([3], lk.float64))
        (slope,) = lk.gradients(states, x)
        _, array = lk.while_loop(
            lambda i, a: i < 5,
            lambda i, a: (i + 1, a.write(i, lk.sin(a.read(i - 1)) * x[0])),
            [1, lk.TensorArray(lk.float64, 5).write(0, x[1])],
        )
        session.run(lk.global_variables_initializer())
        for truth in (True, False):
            session.run([states, slope, array.stack()], {x: [[0.1, 0.2, 0.3]] * 5, choice: truth})
        yield from described(session)


def fusible_plans(number: int) -> Iterator[str]:
    """The plans of a random graph's runs."""
    case = Fusible(number)
    with Twins(case) as twins:
        for feeds, fetches in zip(case.feeds, case.fetches, strict=True):
            told(twins.optimised, feeds, fetches)
        yield from described(twins.optimised)


def training_plans() -> Iterator[str]:
    """Training steps of small convolutional networks, whose products, activations and gradients fuse, and their evaluation.
    Widths are no multiples of a vector's, and images no multiples of a tile."""
    generator = np.random.default_rng(1)
    for dtype in (lk.float32, lk.float64):
        for taps, size, channels in (
            (3, 9, (3, 19, 32)),
            (3, 13, (16, 32, 48)),
            (5, 8, (16, 16, 17)),
            (1, 6, (5, 33, 20)),
        ):
            with lk.Graph().as_default() as graph, lk.Session(graph) as session:
                x = y = lk.placeholder(dtype, [None, size, size, channels[0]])
                label = lk.placeholder(lk.int64, [None])

                def weights(*shape: int, dtype: lk.DType = dtype) -> lk.Variable:
                    return lk.Variable(0.1 * generator.standard_normal(shape), dtype=dtype)

                for before, after in itertools.pairwise(channels):
                    y = lk.nn.conv2d(y, weights(taps, taps, before, after)) + weights(after)
                    y = lk.nn.max_pool(lk.nn.relu(y), 2, 2)
                width = y.shape[1].value * y.shape[2].value * channels[-1]
                hidden = lk.nn.relu(lk.matmul(lk.reshape(y, [-1, width]), weights(width, 21)) + weights(21))
                logits = lk.matmul(hidden, weights(21, 7)) + weights(7)
                loss = lk.reduce_mean(lk.nn.sparse_softmax_cross_entropy_with_logits(labels=label, logits=logits))
                step = lk.optimizers.Adam(0.01).minimize(loss)
                session.run(lk.global_variables_initializer())
                for batch in (1, 6):
                    feeds = {x: generator.standard_normal((batch, size, size, channels[0])), label: [3] * batch}
                    session.run([loss, step], feeds)
                    session.run([logits], {x: feeds[x]})
                yield from described(session)


def described(session: lk.Session) -> Iterator[str]:
    for planned in session.plans.values():
        if len(planned.plan):
            yield planned.plan.describe()


def mutated(text: str, chance: Random) -> str:
    """The text with a few of its numbers, words or bytes changed, mostly so that it is still a plan."""
    lines = text.split("\n")
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(1, len(lines))
        if lines[at].startswith("slot constant") and chance.random() < 0.5:  # other values
            head, _, value = lines[at].rpartition(" ")
            if head.endswith("]") and value:
                place = chance.randrange(len(value))
                lines[at] = f"{head} {value[:place]}{chance.choice('0123456789abcdef')}{value[place + 1 :]}"
            continue
        words = lines[at].split(" ")
        place = chance.randrange(len(words))
        action = chance.random()
        if action < 0.7:
            word = words[place]
            head, tail = word[: len(word) - len(word.lstrip("["))], word[len(word.rstrip(",]")) :]
            words[place] = head + chance.choice(NUMBERS) + tail
        elif action < 0.85:
            words[place] = chance.choice(words)
        else:
            del words[place]
        lines[at] = " ".join(words)
    return "\n".join(lines)
