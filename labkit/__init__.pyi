"""The public names, for editors and type checkers; `public.py` holds the same list for the interpreter."""

from labkit import (
    activations as activations,
    callbacks as callbacks,
    checkpoint as checkpoint,
    constraints as constraints,
    data as data,
    datasets as datasets,
    errors as errors,
    initializers as initializers,
    io as io,
    lab as lab,
    layers as layers,
    losses as losses,
    metrics as metrics,
    models as models,
    ops as ops,
    optimizers as optimizers,
    plugins as plugins,
    regularizers as regularizers,
    report as report,
    schedules as schedules,
    summary as summary,
    testing as testing,
)
from labkit.core.autodiff import gradients as gradients
from labkit.core.collections import GraphKeys as GraphKeys
from labkit.core.convert import convert_to_tensor as convert_to_tensor
from labkit.core.dtypes import (
    DType as DType,
    as_dtype as as_dtype,
    float32 as float32,
    float64 as float64,
    int32 as int32,
    int64 as int64,
    string as string,
    uint8 as uint8,
)
from labkit.core.exchange.graph_def import GraphDef as GraphDef, NodeDef as NodeDef
from labkit.core.exchange.importing import import_graph_def as import_graph_def
from labkit.core.execution.explain_plan import explain_plan as explain_plan
from labkit.core.execution.feeds import Batches as Batches
from labkit.core.execution.interactive_session import InteractiveSession as InteractiveSession
from labkit.core.execution.run_metadata import RunMetadata as RunMetadata
from labkit.core.execution.run_options import RunOptions as RunOptions
from labkit.core.execution.session import Session as Session
from labkit.core.execution.session_stack import get_default_session as get_default_session
from labkit.core.get_variable import get_local_variable as get_local_variable, get_variable as get_variable
from labkit.core.global_step import (
    create_global_step as create_global_step,
    get_global_step as get_global_step,
    get_or_create_global_step as get_or_create_global_step,
)
from labkit.core.graph import (
    Graph as Graph,
    get_default_graph as get_default_graph,
    reset_default_graph as reset_default_graph,
)
from labkit.core.grouping import group as group, no_op as no_op
from labkit.core.operation import Operation as Operation
from labkit.core.scopes import (
    add_to_collection as add_to_collection,
    add_to_collections as add_to_collections,
    control_dependencies as control_dependencies,
    device as device,
    get_collection as get_collection,
    get_collection_ref as get_collection_ref,
    name_scope as name_scope,
)
from labkit.core.slices import IndexedSlices as IndexedSlices
from labkit.core.tensor import Tensor as Tensor
from labkit.core.tensor_shape import (
    Dimension as Dimension,
    TensorShape as TensorShape,
    dimension_at_index as dimension_at_index,
    dimension_value as dimension_value,
)
from labkit.core.threads import get_num_threads as get_num_threads, set_num_threads as set_num_threads
from labkit.core.variable_lists import (
    global_variables as global_variables,
    global_variables_initializer as global_variables_initializer,
    local_variables as local_variables,
    local_variables_initializer as local_variables_initializer,
    model_variables as model_variables,
    moving_average_variables as moving_average_variables,
    trainable_variables as trainable_variables,
    variables_initializer as variables_initializer,
)
from labkit.core.variable_scope import (
    AUTO_REUSE as AUTO_REUSE,
    VariableScope as VariableScope,
    get_variable_scope as get_variable_scope,
    variable_scope as variable_scope,
)
from labkit.core.variables import Variable as Variable
from labkit.data import feature_column as feature_column
from labkit.lab import ComponentOf as ComponentOf, Trial as Trial, experiment as experiment, run as run, space as space
from labkit.layers.input import Input as Input
from labkit.models import (
    DNNClassifier as DNNClassifier,
    DNNLinearCombinedClassifier as DNNLinearCombinedClassifier,
    DNNLinearCombinedRegressor as DNNLinearCombinedRegressor,
    DNNRegressor as DNNRegressor,
    LinearClassifier as LinearClassifier,
    LinearRegressor as LinearRegressor,
    Model as Model,
    Sequential as Sequential,
    load_model as load_model,
)
from labkit.ops import image as image, linalg as linalg, nn as nn, random as random, strings as strings
from labkit.ops.add_n import add_n as add_n
from labkit.ops.arg import argmax as argmax, argmin as argmin
from labkit.ops.boolean_mask import boolean_mask as boolean_mask
from labkit.ops.broadcast import (
    broadcast_to as broadcast_to,
    fill as fill,
    ones as ones,
    ones_like as ones_like,
    zeros as zeros,
    zeros_like as zeros_like,
)
from labkit.ops.cholesky import cholesky as cholesky, cholesky_solve as cholesky_solve
from labkit.ops.clip import (
    clip_by_global_norm as clip_by_global_norm,
    clip_by_norm as clip_by_norm,
    clip_by_value as clip_by_value,
    global_norm as global_norm,
)
from labkit.ops.compare import (
    cast as cast,
    equal as equal,
    greater as greater,
    greater_equal as greater_equal,
    is_finite as is_finite,
    is_inf as is_inf,
    is_nan as is_nan,
    less as less,
    less_equal as less_equal,
    not_equal as not_equal,
)
from labkit.ops.concat import concat as concat, split as split, stack as stack, unstack as unstack
from labkit.ops.conditions import case as case, cond as cond
from labkit.ops.contract import tensordot as tensordot
from labkit.ops.counting import bincount as bincount, confusion_matrix as confusion_matrix, in_top_k as in_top_k
from labkit.ops.cumulative import cumprod as cumprod, cumsum as cumsum
from labkit.ops.depth import depth_to_space as depth_to_space, space_to_depth as space_to_depth
from labkit.ops.diagonal import (
    diag as diag,
    diag_part as diag_part,
    matrix_band_part as matrix_band_part,
    matrix_diag as matrix_diag,
    matrix_diag_part as matrix_diag_part,
    matrix_set_diag as matrix_set_diag,
    matrix_transpose as matrix_transpose,
    trace as trace,
)
from labkit.ops.distinct import setdiff1d as setdiff1d, unique as unique, unique_with_counts as unique_with_counts
from labkit.ops.division import (
    div as div,
    divide as divide,
    divide_no_nan as divide_no_nan,
    floordiv as floordiv,
    floormod as floormod,
    mod as mod,
    truediv as truediv,
    truncatediv as truncatediv,
    truncatemod as truncatemod,
)
from labkit.ops.draws import (
    random_normal as random_normal,
    random_uniform as random_uniform,
    truncated_normal as truncated_normal,
)
from labkit.ops.dynamic_parts import dynamic_partition as dynamic_partition, dynamic_stitch as dynamic_stitch
from labkit.ops.eigen import qr as qr, self_adjoint_eig as self_adjoint_eig, svd as svd
from labkit.ops.einsum import einsum as einsum
from labkit.ops.elementwise import (
    abs as abs,
    add as add,
    exp as exp,
    log as log,
    maximum as maximum,
    minimum as minimum,
    multiply as multiply,
    negative as negative,
    reciprocal as reciprocal,
    rsqrt as rsqrt,
    sigmoid as sigmoid,
    sign as sign,
    sqrt as sqrt,
    square as square,
    squared_difference as squared_difference,
    subtract as subtract,
    tanh as tanh,
)
from labkit.ops.folds import foldl as foldl, foldr as foldr, map_fn as map_fn, scan as scan
from labkit.ops.gather import gather as gather, gather_nd as gather_nd
from labkit.ops.hessians import hessians as hessians
from labkit.ops.host import Assert as Assert, Print as Print, print as print, py_func as py_func
from labkit.ops.initialized import (
    is_variable_initialized as is_variable_initialized,
    report_uninitialized_variables as report_uninitialized_variables,
)
from labkit.ops.logic import (
    logical_and as logical_and,
    logical_not as logical_not,
    logical_or as logical_or,
    logical_xor as logical_xor,
    where as where,
)
from labkit.ops.loops import while_loop as while_loop
from labkit.ops.matmul import matmul as matmul
from labkit.ops.norms import (
    count_nonzero as count_nonzero,
    norm as norm,
    reduce_euclidean_norm as reduce_euclidean_norm,
    reduce_logsumexp as reduce_logsumexp,
    reduce_std as reduce_std,
    reduce_variance as reduce_variance,
)
from labkit.ops.one_hot import one_hot as one_hot
from labkit.ops.pad import pad as pad
from labkit.ops.power import pow as pow
from labkit.ops.ranges import (
    eye as eye,
    linspace as linspace,
    meshgrid as meshgrid,
    range as range,
    sequence_mask as sequence_mask,
)
from labkit.ops.read_file import read_file as read_file
from labkit.ops.reduce import (
    reduce_all as reduce_all,
    reduce_any as reduce_any,
    reduce_max as reduce_max,
    reduce_mean as reduce_mean,
    reduce_min as reduce_min,
    reduce_prod as reduce_prod,
    reduce_sum as reduce_sum,
)
from labkit.ops.reverse import reverse as reverse, reverse_sequence as reverse_sequence, roll as roll
from labkit.ops.rounding import ceil as ceil, floor as floor, rint as rint, round as round, trunc as trunc
from labkit.ops.sampling import multinomial as multinomial, random_shuffle as random_shuffle
from labkit.ops.scatter import (
    scatter_nd as scatter_nd,
    tensor_scatter_add as tensor_scatter_add,
    tensor_scatter_sub as tensor_scatter_sub,
    tensor_scatter_update as tensor_scatter_update,
)
from labkit.ops.scatter_state import (
    scatter_add as scatter_add,
    scatter_nd_add as scatter_nd_add,
    scatter_nd_sub as scatter_nd_sub,
    scatter_nd_update as scatter_nd_update,
    scatter_sub as scatter_sub,
    scatter_update as scatter_update,
)
from labkit.ops.segment import (
    unsorted_segment_max as unsorted_segment_max,
    unsorted_segment_min as unsorted_segment_min,
    unsorted_segment_prod as unsorted_segment_prod,
    unsorted_segment_sum as unsorted_segment_sum,
)
from labkit.ops.segment_sorted import (
    segment_max as segment_max,
    segment_mean as segment_mean,
    segment_min as segment_min,
    segment_prod as segment_prod,
    segment_sum as segment_sum,
    unsorted_segment_mean as unsorted_segment_mean,
    unsorted_segment_sqrt_n as unsorted_segment_sqrt_n,
)
from labkit.ops.shape import (
    expand_dims as expand_dims,
    identity as identity,
    identity_n as identity_n,
    rank as rank,
    reshape as reshape,
    shape as shape,
    shape_n as shape_n,
    size as size,
    squeeze as squeeze,
    stop_gradient as stop_gradient,
)
from labkit.ops.slicing import slice as slice
from labkit.ops.solve import (
    matrix_determinant as matrix_determinant,
    matrix_inverse as matrix_inverse,
    matrix_solve as matrix_solve,
)
from labkit.ops.sort import argsort as argsort, searchsorted as searchsorted, sort as sort, top_k as top_k
from labkit.ops.source import (
    constant as constant,
    placeholder as placeholder,
    placeholder_with_default as placeholder_with_default,
)
from labkit.ops.special import (
    digamma as digamma,
    erf as erf,
    erfc as erfc,
    expm1 as expm1,
    lgamma as lgamma,
    log1p as log1p,
    polygamma as polygamma,
    xlogy as xlogy,
)
from labkit.ops.state import assign as assign, assign_add as assign_add, assign_sub as assign_sub
from labkit.ops.streams import set_random_seed as set_random_seed
from labkit.ops.strided import strided_slice as strided_slice
from labkit.ops.strings import as_string as as_string, string_join as string_join, string_to_number as string_to_number
from labkit.ops.tensor_array import TensorArray as TensorArray
from labkit.ops.tile import repeat as repeat, tile as tile
from labkit.ops.transpose import transpose as transpose
from labkit.ops.trigonometry import (
    acos as acos,
    acosh as acosh,
    asin as asin,
    asinh as asinh,
    atan as atan,
    atan2 as atan2,
    atanh as atanh,
    cos as cos,
    cosh as cosh,
    sin as sin,
    sinh as sinh,
    tan as tan,
)
from labkit.plugins import Lab as Lab

__version__: str
bool: DType
