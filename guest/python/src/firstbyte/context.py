"""The second argument of `handler(event, context)`, in full, as AWS's own Python runtime gives it."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from .request import Request


class CognitoIdentity:
    """Who calls, as an Amazon Cognito identity."""

    def __init__(self, said: dict[str, Any]) -> None:
        self.cognito_identity_id: str | None = said.get("cognitoIdentityId")
        self.cognito_identity_pool_id: str | None = said.get("cognitoIdentityPoolId")


class Client:
    """The application that calls, as AWS's mobile SDKs describe it."""

    def __init__(self, said: dict[str, Any]) -> None:
        self.installation_id: str | None = said.get("installation_id")
        self.app_title: str | None = said.get("app_title")
        self.app_version_name: str | None = said.get("app_version_name")
        self.app_version_code: str | None = said.get("app_version_code")
        self.app_package_name: str | None = said.get("app_package_name")


class ClientContext:
    """What an SDK caller passed as its context."""

    def __init__(self, said: dict[str, Any]) -> None:
        self.custom: Any = said.get("custom")
        self.env: Any = said.get("env")
        client = said.get("client")
        self.client = Client(client) if isinstance(client, dict) else None


class Context:
    """The invocation and the function, under the names that AWS's Python runtime has for them."""

    def __init__(self, request: Request) -> None:
        self._request = request
        said = os.environ.get
        self.aws_request_id = request.request_id
        self.invoked_function_arn = request.function_arn
        self.function_name = said("AWS_LAMBDA_FUNCTION_NAME", "")
        self.function_version = said("AWS_LAMBDA_FUNCTION_VERSION", "")
        self.memory_limit_in_mb = said("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "")
        self.log_group_name = said("AWS_LAMBDA_LOG_GROUP_NAME", "")
        self.log_stream_name = said("AWS_LAMBDA_LOG_STREAM_NAME", "")
        self.tenant_id = request.tenant_id
        self.identity = CognitoIdentity(_object(request.cognito_identity))
        passed = _object(request.client_context)
        self.client_context = ClientContext(passed) if passed else None

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the invocation is ended."""
        return self._request.remaining_ms()

    def log(self, message: object) -> None:
        """Writes to the function's log."""
        sys.stdout.write(str(message))

    def __repr__(self) -> str:
        return f"Context(aws_request_id={self.aws_request_id!r}, invoked_function_arn={self.invoked_function_arn!r})"


def _object(text: str | None) -> dict[str, Any]:
    """A JSON object; anything else, which any caller may send, is as good as nothing."""
    try:
        value = json.loads(text) if text else {}
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
