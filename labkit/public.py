"""The public names of `labkit`, and the module each one comes from. `__init__.pyi` tells the same to editors (tested)."""

from __future__ import annotations

MODULES = {
    **{
        name: name
        for name in (
            "activations",
            "callbacks",
            "checkpoint",
            "constraints",
            "data",
            "datasets",
            "errors",
            "initializers",
            "io",
            "lab",
            "layers",
        )
    },
    **{
        name: name
        for name in (
            "losses",
            "metrics",
            "models",
            "ops",
            "optimizers",
            "plugins",
            "regularizers",
            "report",
            "schedules",
        )
    },
    **{name: name for name in ("summary", "testing")},
    "space": "lab.space",
    "feature_column": "data.feature_column",
    "image": "ops.image",
    "linalg": "ops.linalg",
    "nn": "ops.nn",
    "random": "ops.random",
    "strings": "ops.strings",
}
"""Attribute of labkit -> module below labkit."""

_BY_MODULE = {
    "core.autodiff": "gradients",
    "core.collections": "GraphKeys",
    "core.dtypes": "DType as_dtype float32 float64 int32 int64 string uint8",
    "core.execution.explain_plan": "explain_plan",
    "core.execution.feeds": "Batches",
    "core.operation": "Operation",
    "core.graph": "Graph get_default_graph reset_default_graph",
    "core.global_step": "create_global_step get_global_step get_or_create_global_step",
    "core.scopes": "add_to_collection add_to_collections control_dependencies device get_collection get_collection_ref "
    "name_scope",
    "core.get_variable": "get_local_variable get_variable",
    "core.variable_scope": "AUTO_REUSE VariableScope get_variable_scope variable_scope",
    "core.execution.run_metadata": "RunMetadata",
    "core.execution.run_options": "RunOptions",
    "core.execution.interactive_session": "InteractiveSession",
    "core.execution.session": "Session",
    "core.execution.session_stack": "get_default_session",
    "core.exchange.graph_def": "GraphDef NodeDef",
    "core.exchange.importing": "import_graph_def",
    "core.slices": "IndexedSlices",
    "core.tensor": "Tensor",
    "core.tensor_shape": "Dimension TensorShape dimension_at_index dimension_value",
    "core.threads": "get_num_threads set_num_threads",
    "core.convert": "convert_to_tensor",
    "core.grouping": "group no_op",
    "core.variable_lists": "global_variables global_variables_initializer local_variables local_variables_initializer "
    "model_variables moving_average_variables trainable_variables variables_initializer",
    "core.variables": "Variable",
    "ops.add_n": "add_n",
    "ops.broadcast": "broadcast_to fill ones ones_like zeros zeros_like",
    "ops.clip": "clip_by_global_norm clip_by_norm clip_by_value global_norm",
    "ops.compare": "cast equal greater greater_equal is_finite is_inf is_nan less less_equal not_equal",
    "ops.concat": "concat split stack unstack",
    "ops.division": "div divide divide_no_nan floordiv floormod mod truediv truncatediv truncatemod",
    "ops.elementwise": "abs add exp log maximum minimum multiply negative reciprocal rsqrt sigmoid sign sqrt square "
    "squared_difference subtract tanh",
    "ops.counting": "bincount confusion_matrix in_top_k",
    "ops.dynamic_parts": "dynamic_partition dynamic_stitch",
    "ops.distinct": "setdiff1d unique unique_with_counts",
    "ops.initialized": "is_variable_initialized report_uninitialized_variables",
    "ops.gather": "gather gather_nd",
    "ops.hessians": "hessians",
    "ops.contract": "tensordot",
    "ops.diagonal": "diag diag_part matrix_band_part matrix_diag matrix_diag_part matrix_set_diag matrix_transpose trace",
    "ops.depth": "depth_to_space space_to_depth",
    "ops.einsum": "einsum",
    "ops.cholesky": "cholesky cholesky_solve",
    "ops.eigen": "qr self_adjoint_eig svd",
    "ops.solve": "matrix_determinant matrix_inverse matrix_solve",
    "ops.conditions": "case cond",
    "ops.folds": "foldl foldr map_fn scan",
    "ops.loops": "while_loop",
    "ops.tensor_array": "TensorArray",
    "ops.matmul": "matmul",
    "ops.logic": "logical_and logical_not logical_or logical_xor where",
    "ops.host": "Assert Print print py_func",
    "ops.one_hot": "one_hot",
    "ops.pad": "pad",
    "ops.ranges": "eye linspace meshgrid range sequence_mask",
    "ops.draws": "random_normal random_uniform truncated_normal",
    "ops.sampling": "multinomial random_shuffle",
    "ops.streams": "set_random_seed",
    "ops.reduce": "reduce_all reduce_any reduce_max reduce_mean reduce_min reduce_prod reduce_sum",
    "ops.reverse": "reverse reverse_sequence roll",
    "ops.scatter": "scatter_nd tensor_scatter_add tensor_scatter_sub tensor_scatter_update",
    "ops.scatter_state": "scatter_add scatter_nd_add scatter_nd_sub scatter_nd_update scatter_sub scatter_update",
    "ops.segment": "unsorted_segment_max unsorted_segment_min unsorted_segment_prod unsorted_segment_sum",
    "ops.segment_sorted": "segment_max segment_mean segment_min segment_prod segment_sum unsorted_segment_mean "
    "unsorted_segment_sqrt_n",
    "ops.shape": "expand_dims identity identity_n rank reshape shape shape_n size squeeze stop_gradient",
    "ops.slicing": "slice",
    "ops.strided": "strided_slice",
    "ops.source": "constant placeholder placeholder_with_default",
    "ops.power": "pow",
    "ops.rounding": "ceil floor rint round trunc",
    "ops.special": "digamma erf erfc expm1 lgamma log1p polygamma xlogy",
    "ops.trigonometry": "acos acosh asin asinh atan atan2 atanh cos cosh sin sinh tan",
    "ops.strings": "as_string string_join string_to_number",
    "ops.read_file": "read_file",
    "ops.sort": "argsort searchsorted sort top_k",
    "ops.state": "assign assign_add assign_sub",
    "ops.tile": "repeat tile",
    "ops.transpose": "transpose",
    "ops.arg": "argmax argmin",
    "ops.cumulative": "cumprod cumsum",
    "ops.norms": "count_nonzero norm reduce_euclidean_norm reduce_logsumexp reduce_std reduce_variance",
    "ops.boolean_mask": "boolean_mask",
    "layers.input": "Input",
    "models": "DNNClassifier DNNLinearCombinedClassifier DNNLinearCombinedRegressor DNNRegressor LinearClassifier "
    "LinearRegressor Model Sequential load_model",
    "lab": "ComponentOf Trial experiment run",
    "plugins": "Lab",
}

NAMES = {name: module for module, names in _BY_MODULE.items() for name in names.split()}
"""Attribute of labkit -> module below labkit that defines it under the same name."""

RENAMED = {"bool": ("core.dtypes", "bool_")}
"""Attributes whose name would hide one of Python's inside the module that defines them."""

OPERATIONS = ("ops", "summary.operations")
"""The modules below labkit that register operations."""

GROUPS = ("image", "linalg", "nn", "random", "strings", "summary")
"""Those of MODULES that hold functions of graphs; each lists its own in `__all__`."""
