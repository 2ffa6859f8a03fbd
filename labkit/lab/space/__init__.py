"""What a sweep tries: domains of values, for `space=` of an experiment, `sweep=` of `lk.run`, and `--sweep`.

    space = {
        "optimizer": ["adam", "sgd"],
        "learning_rate": lk.space.log_uniform(1e-4, 1e-1),
        "units": lk.space.integers(16, 256, log=True),
        "momentum": lk.space.uniform(0, 1).when(optimizer="sgd"),
    }

On the command line the same is `--sweep optimizer=adam,sgd --sweep "learning_rate=log_uniform(1e-4,1e-1)"
--sweep "units=integers(16,256,log)" --sweep "momentum=uniform(0,1) when optimizer=sgd"`.
"""

from labkit.lab.space.domains import Domain, Integers, LogUniform, Uniform, Values

choice, integers, log_uniform, uniform = Values, Integers, LogUniform, Uniform

__all__ = ["Domain", "Integers", "LogUniform", "Uniform", "Values", "choice", "integers", "log_uniform", "uniform"]
