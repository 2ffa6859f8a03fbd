"""tf.ConfigProto and what belongs to it: accepted, because they speak of devices and threads and never of results."""

from __future__ import annotations

from typing import Any, ClassVar

from labkit.errors import ArgumentError, MissingNameError


class _Message:
    """A record whose fields may be given by name or set afterwards, as a protocol buffer's."""

    _fields: ClassVar[dict[str, Any]] = {}

    def __init__(self, **fields: Any) -> None:
        for name, default in self._fields.items():
            object.__setattr__(self, name, default() if callable(default) else default)
        for name, value in fields.items():
            if name not in self._fields:
                raise ArgumentError(
                    f"{type(self).__name__} has no field {name!r}",
                    rule="Its fields are " + ", ".join(self._fields),
                )
            setattr(self, name, value)

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self._fields:
            raise MissingNameError(
                f"{type(self).__name__} has no field {name!r}",
                name=name,
                rule="Its fields are " + ", ".join(self._fields),
            )
        object.__setattr__(self, name, value)

    def CopyFrom(self, other: Any) -> None:
        """Takes over the other message's fields."""
        for name in self._fields:
            setattr(self, name, getattr(other, name))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in self._fields)})"


class GPUOptions(_Message):
    """tf.GPUOptions: without meaning, as labkit computes on the CPU."""

    _fields: ClassVar[dict[str, Any]] = {
        "per_process_gpu_memory_fraction": 0.0,
        "allow_growth": False,
        "allocator_type": "",
        "deferred_deletion_bytes": 0,
        "visible_device_list": "",
        "polling_active_delay_usecs": 0,
        "polling_inactive_delay_msecs": 0,
        "force_gpu_compatible": False,
        "experimental": None,
    }


class OptimizerOptions(_Message):
    """tf.OptimizerOptions: without meaning, as labkit's plans never change a bit of a result."""

    DEFAULT, L1, L0, ON_1, ON_2, OFF = 0, 0, -1, 1, 2, -1

    _fields: ClassVar[dict[str, Any]] = {
        "do_common_subexpression_elimination": False,
        "do_constant_folding": False,
        "do_function_inlining": False,
        "max_folded_constant_in_bytes": 0,
        "opt_level": 0,
        "global_jit_level": 0,
    }


class GraphOptions(_Message):
    """tf.GraphOptions."""

    _fields: ClassVar[dict[str, Any]] = {
        "enable_recv_scheduling": False,
        "optimizer_options": OptimizerOptions,
        "build_cost_model": 0,
        "build_cost_model_after": 0,
        "infer_shapes": False,
        "place_pruned_graph": False,
        "enable_bfloat16_sendrecv": False,
        "timeline_step": 0,
        "rewrite_options": None,
    }


class ConfigProto(_Message):
    """tf.ConfigProto: every field is accepted. labkit's threads are set by LABKIT_NUM_THREADS or lk.set_num_threads; its
    results have the same bits for any number of them."""

    _fields: ClassVar[dict[str, Any]] = {
        "device_count": dict,
        "intra_op_parallelism_threads": 0,
        "inter_op_parallelism_threads": 0,
        "use_per_session_threads": False,
        "session_inter_op_thread_pool": list,
        "placement_period": 0,
        "device_filters": list,
        "gpu_options": GPUOptions,
        "allow_soft_placement": False,
        "log_device_placement": False,
        "graph_options": GraphOptions,
        "operation_timeout_in_ms": 0,
        "rpc_options": None,
        "cluster_def": None,
        "isolate_session_state": False,
        "experimental": None,
    }


def need_config(config: Any) -> None:
    """Checks what a session got as its config.

    Raises:
        ArgumentError: it is no ConfigProto.
    """
    if config is not None and not isinstance(config, ConfigProto):
        raise ArgumentError("A session's config is a tf.ConfigProto", received=type(config).__name__)
