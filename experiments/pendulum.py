"""A differential equation whose constants are found from measurements, by gradients through its numerical solution.

    d²angle/dt² = -stiffness sin(angle) - friction d angle/dt

Runge and Kutta's classical method (Kutta 1901) makes a step, `lk.scan` a trajectory of steps, autodiff the gradient of
the distance between trajectory and measurements with respect to the two constants.
"""

import dataclasses

import numpy as np

import labkit as lk

STIFFNESS, FRICTION = 4.0, 0.3  # 1/s², 1/s: what is to be found
DT, START = 0.05, (2.0, 0.0)  # s; rad, rad/s


@dataclasses.dataclass
class Config:
    learning_rate: float = 0.05
    steps: int = 400
    samples: int = 120  # measured angles, one every DT
    noise: float = 0.02  # standard deviation, rad


def runge_kutta(slope, state, dt):
    """The state dt later."""
    a = slope(state)
    b = slope(state + dt / 2 * a)
    c = slope(state + dt / 2 * b)
    d = slope(state + dt * c)
    return state + dt / 6 * (a + 2 * b + 2 * c + d)


def measure(config: Config) -> np.ndarray:
    """Angles of the true pendulum, computed apart in float64 with finer steps, and noise; [samples]."""
    state, angles = np.array(START), []
    for _ in range(config.samples):
        for _ in range(10):
            state = runge_kutta(lambda s: np.array([s[1], -STIFFNESS * np.sin(s[0]) - FRICTION * s[1]]), state, DT / 10)
        angles.append(state[0])
    return np.array(angles) + np.random.normal(0, config.noise, config.samples)


@lk.experiment(metric="parameter_error", quick={"steps": 100})
def pendulum(config: Config, trial: lk.Trial):
    """How well do noisy angles tell a pendulum's stiffness and friction?"""
    measured = lk.constant(measure(config), lk.float32)
    stiffness, friction = lk.Variable(3.0, name="stiffness"), lk.Variable(0.0, name="friction")

    def slope(state: lk.Tensor) -> lk.Tensor:
        return lk.stack([state[1], -stiffness * lk.sin(state[0]) - friction * state[1]])

    states = lk.scan(lambda state, _: runge_kutta(slope, state, DT), measured, initializer=lk.constant(START))
    loss = lk.reduce_mean(lk.square(states[:, 0] - measured))
    train = lk.optimizers.Adam(config.learning_rate).minimize(loss)
    with lk.Session() as session:
        session.run(lk.global_variables_initializer())
        for step in range(1, config.steps + 1):
            _, distance, k, c = session.run([train, loss, stiffness, friction])
            error = max(abs(k / STIFFNESS - 1), abs(c / FRICTION - 1))
            trial.report(step, loss=distance, stiffness=k, friction=c, parameter_error=error)
