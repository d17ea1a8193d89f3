"""How a handler fails, and what the log is told of it. Who is told what is the host's to decide."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType

_HERE = __file__.rpartition("/")[0] + "/"


class Error(Exception):
    """Why an invocation failed, for its caller, for Lambda and for the log.

    `kind` is one word in CamelCase; Lambda's records show it as `Function.<kind>`. `status`, 400 to 599, is what a caller over
    HTTP gets if the response was not started; without it, 500. With a 4xx the caller is shown the message, and the invocation
    counts as answered; with a 5xx the caller is shown nothing internal.
    """

    def __init__(self, kind: str, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.status = status

    @classmethod
    def bad_request(cls, message: str) -> Error:
        """The caller's mistake: the kind `BadRequest` with the status 400. The message is shown to the caller."""
        return cls("BadRequest", message, status=400)

    @classmethod
    def not_found(cls, message: str) -> Error:
        """What the caller asked for is not there: the kind `NotFound` with the status 404. The message is shown to the caller."""
        return cls("NotFound", message, status=404)


class HeadError(ValueError):
    """The host refuses a response's head: its status or a header is invalid, or it is too large."""


class WriteError(OSError):
    """The host refuses bytes of a response. `is_closed` tells whether that is because nobody reads any more."""

    def __init__(self, message: str, *, is_closed: bool = False) -> None:
        super().__init__(message)
        self.is_closed = is_closed


def kind_of(error: BaseException) -> str:
    """What kind of error, as one word in CamelCase: what an `Error` says, or the name of the exception's type."""
    given = error.kind if isinstance(error, Error) else type(error).__name__
    words = "".join(letter if letter.isascii() and letter.isalnum() else " " for letter in given).split()
    return "".join(word[0].upper() + word[1:] for word in words) or "Error"


def message_of(error: BaseException) -> str:
    """What went wrong, in words."""
    if isinstance(error, KeyError) and len(error.args) == 1:
        return f"there is no {error.args[0]!r}"
    return str(error) or type(error).__name__


def stack_of(error: BaseException) -> list[str]:
    """Where it happened, innermost first: the frames of the first cause, and then of what it led to."""
    return [line for failed in reversed(list(_causes(error))) for line in _described(failed, error)]


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)


def _described(failed: BaseException, last: BaseException) -> Iterator[str]:
    if failed is not last:
        yield f"caused by: {type(failed).__name__}: {message_of(failed)}"
    if isinstance(failed, BaseExceptionGroup):
        for inner in failed.exceptions:
            yield f"among: {type(inner).__name__}: {message_of(inner)}"
            yield from reversed(list(_frames(inner.__traceback__)))
    yield from reversed(list(_frames(failed.__traceback__)))


def _frames(traceback: TracebackType | None) -> Iterator[str]:
    while traceback is not None:
        code = traceback.tb_frame.f_code
        # What called the handler says nothing of its fault.
        if not code.co_filename.startswith(_HERE):
            yield f"at {code.co_filename.removeprefix('/0/')}:{traceback.tb_lineno} in {code.co_qualname}"
        traceback = traceback.tb_next
