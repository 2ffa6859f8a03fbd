"""The first example of the Crash Course on TensorFlow (V. Lepetit): a line through four points, by gradient descent."""

import dataclasses

import labkit as lk


@dataclasses.dataclass
class Config:
    learning_rate: float = 0.01
    steps: int = 1000


@lk.experiment(metric="loss")
def linear_regression(config: Config, trial: lk.Trial):
    """Does gradient descent find W = -1 and b = 1?"""
    x, y = lk.placeholder(lk.float32), lk.placeholder(lk.float32)
    W, b = lk.Variable(0.3), lk.Variable(-0.3)
    loss = lk.reduce_sum(lk.square(W * x + b - y))
    train = lk.optimizers.SGD(config.learning_rate).minimize(loss)
    with lk.Session() as session:
        session.run(lk.global_variables_initializer())
        for step in range(1, config.steps + 1):
            _, *values = session.run([train, loss, W, b], {x: [1, 2, 3, 4], y: [0, -1, -2, -3]})
            trial.report(step, **dict(zip(("loss", "W", "b"), values, strict=True)))
