"""Every error labkit raises on purpose.

    LabkitError
    ├── GraphError (ValueError)              the graph cannot be built or used like this
    │   ├── ShapeError                       shapes do not fit
    │   │   └── UnknownShapeError (TypeError)    a dimension or rank is asked for that only a run knows
    │   ├── FinalizedGraphError (RuntimeError)   a finalized graph was to grow
    │   └── NestedGraphError (AssertionError)    the default graph was reset inside another graph
    ├── DTypeError (TypeError)               dtypes do not fit
    ├── InvalidArgumentError (ValueError)    a value is not allowed
    │   └── FeedError                        what was fed does not fit its tensor
    │       └── FeedKeyError (TypeError)     a key of a feed names no tensor
    ├── ArgumentError (TypeError, ValueError) a function is called with arguments it does not take
    ├── NotFoundError (KeyError)             a name or file does not exist
    │   └── MissingNameError (AttributeError)  a name that a public module does not have
    ├── MissingModuleError (ModuleNotFoundError)  the same for a module that is imported
    ├── FailedPreconditionError              e.g. a variable is read before it was initialized
    ├── DivergedError (RuntimeError)         the loss of a training is no longer a finite number
    ├── OutOfRangeError (IndexError)         an index or iterator is past its end
    │   └── IndexBoundsError                 an index lies outside a dimension that the graph knows (also a ShapeError)
    ├── ResourceExhaustedError (MemoryError) memory or disk does not suffice
    ├── CancelledError                       a run was cancelled
    │   └── DeadlineExceededError            a run took longer than its timeout
    ├── SessionError (RuntimeError)          a session is closed, or does not fit the graph
    │   └── NoSessionError (ValueError)      there is no default session
    ├── PluginError                          a plugin failed to load or broke the contract
    │   └── UnknownComponentError            no plugin provides that name (also a NotFoundError)
    ├── DataError                            data are missing, corrupt or of another kind
    │   ├── ArchiveError                     an archive is damaged, hostile, or larger than its limits
    │   ├── PipelineError                    a step of a pipeline failed at an element
    │   ├── ElementError (ValueError)        elements do not fit each other, or their spec
    │   ├── IteratorStateError (ValueError)  a state is none of this pipeline's
    │   └── UnknownLengthError (TypeError)   how many elements there are is not known, or there is no end
    ├── CheckpointError                      a checkpoint is damaged or does not fit
    │   └── CheckpointPathError (ValueError, OSError)  there is none at a path, or none can be saved there
    ├── StoreError                           the store of trials cannot be read or written
    ├── ConfigError (ValueError)             the command line or an experiment asks for something impossible
    └── BuildError (ImportError)             the compiled core is missing or does not fit

A message is one paragraph: what is wrong, the rule, what was received, how to fix it.
"""

from __future__ import annotations


class LabkitError(Exception):
    """Base of all errors that labkit raises on purpose.

    Args:
        what: the subject and what is wrong with it, one sentence.
        rule: the rule that was broken, one sentence.
        received: what was received instead, a phrase; printed as "Received: ...".
        fix: what to do about it, one sentence.
    """

    exit_code = 1
    """The exit code of the command line when this error ends it: 2 for wrong usage, 1 otherwise."""

    def __init__(self, what: str, *, rule: str = "", received: str = "", fix: str = "") -> None:
        self.what, self.rule, self.received, self.fix = what, rule, received, fix
        parts = [_sentence(what), _sentence(rule), _sentence(received and f"Received: {received}"), _sentence(fix)]
        super().__init__(" ".join(part for part in parts if part))

    @property
    def message(self) -> str:
        """The whole text, as TensorFlow's errors call it."""
        return str(self)

    def __str__(self) -> str:  # KeyError's own __str__ would print the repr of the message
        return str(self.args[0])


def _sentence(text: str) -> str:
    text = text.strip()
    return text if not text or text[-1] in ".!?:\n" else text + "."


class GraphError(LabkitError, ValueError):
    """The graph cannot be built or used like this."""


class ShapeError(GraphError):
    """Shapes do not fit."""


class UnknownShapeError(ShapeError, TypeError):
    """A dimension or rank is asked for that only a run knows."""


class FinalizedGraphError(GraphError, RuntimeError):
    """A finalized graph was to grow."""


class NestedGraphError(GraphError, AssertionError):
    """The default graph was reset inside another graph."""


class DTypeError(LabkitError, TypeError):
    """Dtypes do not fit."""


class InvalidArgumentError(LabkitError, ValueError):
    """A value is not allowed."""


class FeedError(InvalidArgumentError):
    """What was fed does not fit its tensor."""


class FeedKeyError(FeedError, TypeError):
    """A key of a feed names no tensor of the graph."""


class ArgumentError(LabkitError, TypeError, ValueError):
    """A function is called with arguments it does not take."""


class NotFoundError(LabkitError, KeyError):
    """A name or file does not exist."""


class MissingNameError(NotFoundError, AttributeError):
    """A public module, or labkit.compat.v1 of TensorFlow 1's, has no such name.

    Args:
        name: the missing name. As it is known, Python adds no guess of its own to the one of the message.
    """

    def __init__(self, what: str, *, name: str = "", rule: str = "", received: str = "", fix: str = "") -> None:
        super().__init__(what, rule=rule, received=received, fix=fix)
        self.name = name


class MissingModuleError(LabkitError, ModuleNotFoundError):
    """A module of TensorFlow 1 that labkit.compat.v1 does not have."""


class FailedPreconditionError(LabkitError):
    """Something has to happen first, e.g. a variable must be initialized before it is read."""


class DivergedError(LabkitError, RuntimeError):
    """The loss of a training is no longer a finite number."""


class OutOfRangeError(LabkitError, IndexError):
    """An index or iterator is past its end."""


class IndexBoundsError(ShapeError, OutOfRangeError):
    """An index lies outside a dimension that the graph knows."""


class ResourceExhaustedError(LabkitError, MemoryError):
    """Memory or disk does not suffice."""


class CancelledError(LabkitError):
    """A run was cancelled."""


class DeadlineExceededError(CancelledError, TimeoutError):
    """A run took longer than its timeout."""


class SessionError(LabkitError, RuntimeError):
    """A session is closed, missing, or does not fit the graph."""


class NoSessionError(SessionError, ValueError):
    """A session is needed, and there is no default one."""


class PluginError(LabkitError):
    """A plugin failed to load or broke the contract."""


class UnknownComponentError(PluginError, NotFoundError):
    """No plugin provides that name."""


class DataError(LabkitError):
    """Data are missing, corrupt or of another kind."""


class ArchiveError(DataError):
    """An archive cannot be read: it is damaged or hostile, or larger than the limits that were set.

    Attributes:
        archive: its path.
        member: the name of the member that is concerned; None where it is none.
        position: the byte at which that begins, in the tar as it is unpacked or in the zip; None where there is none.
    """

    def __init__(
        self,
        what: str,
        *,
        archive: str = "",
        member: str | None = None,
        position: int | None = None,
        rule: str = "",
        received: str = "",
        fix: str = "",
    ) -> None:
        super().__init__(what, rule=rule, received=received, fix=fix)
        self.archive, self.member, self.position = archive, member, position


class PipelineError(DataError):
    """A step of a pipeline failed at an element; the cause is `__cause__`.

    Attributes:
        step: which, such as "map #2 'decode'".
        index: of the element, counted in the step's own output from 0 on; None where it is not one element that failed.
    """

    def __init__(
        self, what: str, *, step: str = "", index: int | None = None, rule: str = "", received: str = "", fix: str = ""
    ) -> None:
        super().__init__(what, rule=rule, received=received, fix=fix)
        self.step, self.index = step, index


class ElementError(DataError, ValueError):
    """Elements do not fit each other, or their spec."""


class IteratorStateError(DataError, ValueError):
    """A state is none of this pipeline's."""


class UnknownLengthError(DataError, TypeError):
    """How many elements there are is not known, or there is no end of them."""


class CheckpointError(LabkitError):
    """A checkpoint is damaged or does not fit."""


class CheckpointPathError(CheckpointError, ValueError, OSError):
    """There is no checkpoint at a path, or none can be saved there."""


class StoreError(LabkitError):
    """The store of trials cannot be read or written."""


class ConfigError(LabkitError, ValueError):
    """The command line or an experiment asks for something impossible."""

    exit_code = 2


class BuildError(LabkitError, ImportError):
    """The compiled core is missing or does not fit."""
