"""`logging` as the function's log has it: a line is one JSON object, with its level and its members."""

from __future__ import annotations

import json
import logging
import os
import sys
import traceback
from typing import Any

#: The host takes 16 KiB in a line.
_LONGEST = 15 * 1024

#: What every record has, so that the others are what the author has added by `extra`.
_USUAL = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

_LEVELS = {"TRACE": 5, "DEBUG": 10, "INFO": 20, "WARN": 30, "WARNING": 30, "ERROR": 40, "FATAL": 50, "CRITICAL": 50}


class JsonLines(logging.Handler):
    """Writes records to standard output, which the host reads."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            sys.stdout.write(line(record) + "\n")
            sys.stdout.flush()
        except Exception:
            self.handleError(record)


def line(record: logging.LogRecord) -> str:
    """A record as the host reads it."""
    members: dict[str, Any] = {"level": _level(record.levelno), "message": record.getMessage(), "logger": record.name}
    members.update((name, value) for name, value in vars(record).items() if name not in _USUAL and name not in members)
    if record.exc_info and record.exc_info[1] is not None:
        error = record.exc_info[1]
        members["errorType"] = type(error).__name__
        members["errorMessage"] = str(error)
        members["stackTrace"] = traceback.format_exception(error)
    if record.stack_info:
        members["stackInfo"] = record.stack_info
    text = _json(members)
    if len(text) > _LONGEST:
        # The frames of a deep recursion are the first that can be done without, and then the end of the message.
        members.pop("stackTrace", None)
        members["message"] = members["message"][: _LONGEST // 4]
        text = _json(members)
    if len(text) > _LONGEST:
        text = _json({name: members[name] for name in ("level", "message", "logger")})
    return text


def install() -> None:
    """Gives the root logger its handler, unless the author's code brings one of its own later."""
    logging.getLogger().addHandler(JsonLines())
    logging.addLevelName(5, "TRACE")


def take_level() -> None:
    """Leaves out what the function's level leaves out, unless the author has set another level."""
    root = logging.getLogger()
    if root.level in (logging.WARNING, getattr(root, "_firstbyte_level", None)):
        level = _LEVELS.get(os.environ.get("AWS_LAMBDA_LOG_LEVEL", "INFO").upper(), logging.INFO)
        root.setLevel(level)
        root._firstbyte_level = level  # type: ignore[attr-defined]


def _level(number: int) -> str:
    for least, name in ((50, "FATAL"), (40, "ERROR"), (30, "WARN"), (20, "INFO"), (10, "DEBUG")):
        if number >= least:
            return name
    return "TRACE"


def _json(members: dict[str, Any]) -> str:
    return json.dumps(members, default=str, separators=(",", ":"))
