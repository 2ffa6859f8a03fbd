"""The public names, for editors and type checkers; `public.py` holds the same list for the interpreter."""

from labkit import (
    activations as activations,
)
from labkit import (
    checkpoint as checkpoint,
)
from labkit import (
    datasets as datasets,
)
from labkit import (
    errors as errors,
)
from labkit import (
    initializers as initializers,
)
from labkit import (
    io as io,
)
from labkit import (
    lab as lab,
)
from labkit import (
    layers as layers,
)
from labkit import (
    losses as losses,
)
from labkit import (
    metrics as metrics,
)
from labkit import (
    models as models,
)
from labkit import (
    ops as ops,
)
from labkit import (
    optimizers as optimizers,
)
from labkit import (
    plugins as plugins,
)
from labkit import (
    regularizers as regularizers,
)
from labkit import (
    report as report,
)
from labkit import (
    summary as summary,
)
from labkit import (
    testing as testing,
)
from labkit.core.autodiff import (
    gradients as gradients,
)
from labkit.core.convert import (
    convert_to_tensor as convert_to_tensor,
)
from labkit.core.dtypes import (
    DType as DType,
)
from labkit.core.dtypes import (
    as_dtype as as_dtype,
)
from labkit.core.dtypes import (
    float32 as float32,
)
from labkit.core.dtypes import (
    float64 as float64,
)
from labkit.core.dtypes import (
    int32 as int32,
)
from labkit.core.dtypes import (
    int64 as int64,
)
from labkit.core.dtypes import (
    uint8 as uint8,
)
from labkit.core.feeds import (
    Batches as Batches,
)
from labkit.core.graph import (
    Graph as Graph,
)
from labkit.core.graph import (
    Operation as Operation,
)
from labkit.core.graph import (
    get_default_graph as get_default_graph,
)
from labkit.core.graph import (
    reset_default_graph as reset_default_graph,
)
from labkit.core.scopes import (
    control_dependencies as control_dependencies,
)
from labkit.core.scopes import (
    get_variable as get_variable,
)
from labkit.core.scopes import (
    name_scope as name_scope,
)
from labkit.core.scopes import (
    variable_scope as variable_scope,
)
from labkit.core.session import (
    InteractiveSession as InteractiveSession,
)
from labkit.core.session import (
    Session as Session,
)
from labkit.core.session import (
    get_default_session as get_default_session,
)
from labkit.core.shapes import (
    Dimension as Dimension,
)
from labkit.core.shapes import (
    TensorShape as TensorShape,
)
from labkit.core.tensor import (
    Tensor as Tensor,
)
from labkit.core.threads import (
    get_num_threads as get_num_threads,
)
from labkit.core.threads import (
    set_num_threads as set_num_threads,
)
from labkit.core.variables import (
    Variable as Variable,
)
from labkit.core.variables import (
    global_variables as global_variables,
)
from labkit.core.variables import (
    global_variables_initializer as global_variables_initializer,
)
from labkit.core.variables import (
    group as group,
)
from labkit.core.variables import (
    no_op as no_op,
)
from labkit.core.variables import (
    trainable_variables as trainable_variables,
)
from labkit.core.variables import (
    variables_initializer as variables_initializer,
)
from labkit.lab import (
    Trial as Trial,
)
from labkit.lab import (
    experiment as experiment,
)
from labkit.lab import (
    run as run,
)
from labkit.models import (
    Sequential as Sequential,
)
from labkit.ops import nn as nn
from labkit.ops import random as random
from labkit.ops.array import (
    pad as pad,
)
from labkit.ops.array import (
    slice as slice,
)
from labkit.ops.array import (
    transpose as transpose,
)
from labkit.ops.broadcast import (
    broadcast_to as broadcast_to,
)
from labkit.ops.broadcast import (
    fill as fill,
)
from labkit.ops.broadcast import (
    ones as ones,
)
from labkit.ops.broadcast import (
    ones_like as ones_like,
)
from labkit.ops.broadcast import (
    zeros as zeros,
)
from labkit.ops.broadcast import (
    zeros_like as zeros_like,
)
from labkit.ops.compare import (
    cast as cast,
)
from labkit.ops.compare import (
    equal as equal,
)
from labkit.ops.compare import (
    greater as greater,
)
from labkit.ops.compare import (
    greater_equal as greater_equal,
)
from labkit.ops.compare import (
    less as less,
)
from labkit.ops.compare import (
    less_equal as less_equal,
)
from labkit.ops.compare import (
    not_equal as not_equal,
)
from labkit.ops.elementwise import (
    abs as abs,
)
from labkit.ops.elementwise import (
    add as add,
)
from labkit.ops.elementwise import (
    divide as divide,
)
from labkit.ops.elementwise import (
    exp as exp,
)
from labkit.ops.elementwise import (
    log as log,
)
from labkit.ops.elementwise import (
    maximum as maximum,
)
from labkit.ops.elementwise import (
    minimum as minimum,
)
from labkit.ops.elementwise import (
    multiply as multiply,
)
from labkit.ops.elementwise import (
    negative as negative,
)
from labkit.ops.elementwise import (
    pow as pow,
)
from labkit.ops.elementwise import (
    sigmoid as sigmoid,
)
from labkit.ops.elementwise import (
    sign as sign,
)
from labkit.ops.elementwise import (
    sqrt as sqrt,
)
from labkit.ops.elementwise import (
    square as square,
)
from labkit.ops.elementwise import (
    subtract as subtract,
)
from labkit.ops.elementwise import (
    tanh as tanh,
)
from labkit.ops.elementwise import (
    truediv as truediv,
)
from labkit.ops.linalg import (
    matmul as matmul,
)
from labkit.ops.random import (
    set_random_seed as set_random_seed,
)
from labkit.ops.reduce import (
    argmax as argmax,
)
from labkit.ops.reduce import (
    argmin as argmin,
)
from labkit.ops.reduce import (
    reduce_max as reduce_max,
)
from labkit.ops.reduce import (
    reduce_mean as reduce_mean,
)
from labkit.ops.reduce import (
    reduce_min as reduce_min,
)
from labkit.ops.reduce import (
    reduce_sum as reduce_sum,
)
from labkit.ops.shape import (
    expand_dims as expand_dims,
)
from labkit.ops.shape import (
    identity as identity,
)
from labkit.ops.shape import (
    reshape as reshape,
)
from labkit.ops.shape import (
    shape as shape,
)
from labkit.ops.shape import (
    squeeze as squeeze,
)
from labkit.ops.shape import (
    stop_gradient as stop_gradient,
)
from labkit.ops.source import (
    constant as constant,
)
from labkit.ops.source import (
    placeholder as placeholder,
)
from labkit.ops.state import (
    assign as assign,
)
from labkit.ops.state import (
    assign_add as assign_add,
)
from labkit.ops.state import (
    assign_sub as assign_sub,
)
from labkit.plugins import (
    Lab as Lab,
)

__version__: str
bool: DType
