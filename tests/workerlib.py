"""Just enough of the host's side of the protocol to drive Microsoft's own worker library in this process.

The library is what the Functions platform runs on Python 3.13. It takes request
objects and a module of message classes; here the messages are plain objects with
the fields that they are given, so nothing of the library itself is replaced.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any


class _Message(SimpleNamespace):
    """A message: the fields it was made with."""

    def WhichOneof(self, _group: str) -> str | None:  # noqa: N802 - protobuf's name
        """The one field that is set."""
        return next((name for name in vars(self) if name != "name"), None)


class _BindingInfo(_Message):
    """Directions and data types are numbers in the real messages."""

    undefined, string, binary, stream = range(4)
    inout, out = 2, 1


class _Status(_Message):
    Failure, Success, Cancelled = range(3)


class Protos:
    """The message classes, made as they are asked for."""

    BindingInfo = _BindingInfo
    StatusResult = _Status

    def __getattr__(self, name: str) -> type[_Message]:
        made = type(name, (_Message,), {})
        setattr(self, name, made)
        return made


def typed(kind: str, value: Any) -> _Message:
    """A TypedData message."""
    return _Message(**{kind: value})


class Worker:
    """The worker library with one function app loaded."""

    def __init__(self, app: Path) -> None:
        from azure_functions_runtime import handle_event  # noqa: PLC0415 - Python 3.13 only

        self._library = handle_event
        self._properties = {"host": "127.0.0.1", "protos": Protos()}
        init = SimpleNamespace(capabilities={}, function_app_directory=str(app))
        answer = self._ask("worker_init_request", worker_init_request=init)
        if answer.result.status != _Status.Success:
            raise RuntimeError(answer.result.exception.message)

    def _ask(self, name: str, **request: Any) -> Any:
        message = SimpleNamespace(request=SimpleNamespace(**request), properties=self._properties)
        return asyncio.run(getattr(self._library, name)(message))

    def functions(self) -> dict[str, Any]:
        """What the host is told of each function, by name."""
        answer = self._ask("functions_metadata_request")
        return {found.name: found for found in answer.function_metadata_results}

    def bindings(self, name: str) -> list[dict[str, Any]]:
        """A function's bindings as the JSON that the host gets."""
        return [json.loads(text) for text in self.functions()[name].raw_bindings]

    def invoke(
        self, name: str, argument: str, data: _Message, metadata: dict[str, _Message] | None = None
    ) -> None:
        """Run a function as the host does.

        Raises:
            RuntimeError: it failed, with the message and stack that the host would log.
        """
        request = SimpleNamespace(
            invocation_id="11111111-2222-3333-4444-555555555555",
            function_id=self.functions()[name].function_id,
            input_data=[_Message(name=argument, data=data)],
            trigger_metadata=metadata or {},
            trace_context=SimpleNamespace(trace_parent="", trace_state="", attributes={}),
            retry_context=SimpleNamespace(retry_count=0, max_retry_count=0, exception=None),
        )
        answer = self._ask("invocation_request", invocation_request=request)
        if answer.result.status != _Status.Success:
            raise RuntimeError(f"{answer.result.exception.message}\n{answer.result.exception.stack_trace}")
