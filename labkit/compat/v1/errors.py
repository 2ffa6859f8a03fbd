"""tf.errors: labkit's errors under TF1's names. The classes defined here are for programs that catch them; labkit has no
servers or devices that would raise them."""

from labkit.compat.lookup import names_of
from labkit.errors import LabkitError

OK, CANCELLED, UNKNOWN, INVALID_ARGUMENT, DEADLINE_EXCEEDED, NOT_FOUND, ALREADY_EXISTS = 0, 1, 2, 3, 4, 5, 6
PERMISSION_DENIED, RESOURCE_EXHAUSTED, FAILED_PRECONDITION, ABORTED, OUT_OF_RANGE, UNIMPLEMENTED = 7, 8, 9, 10, 11, 12
INTERNAL, UNAVAILABLE, DATA_LOSS, UNAUTHENTICATED = 13, 14, 15, 16


class AbortedError(LabkitError):
    """An operation was aborted by another one."""


class AlreadyExistsError(LabkitError):
    """Something that is to be made exists."""


class InternalError(LabkitError):
    """The system broke."""


class PermissionDeniedError(LabkitError):
    """The caller may not do this."""


class UnauthenticatedError(LabkitError):
    """The caller is not known."""


class UnavailableError(LabkitError):
    """A service cannot be reached."""


class UnimplementedError(LabkitError):
    """An operation is not implemented."""


class UnknownError(LabkitError):
    """Something else."""


__getattr__, __dir__ = names_of(__name__)
