"""Runs a function.

Rule: as in Microsoft's worker: sync functions in a thread pool
(PYTHON_THREADPOOL_THREAD_COUNT, else min(32, cores + 4)), async functions all on one
loop, which is not the host's own: an app that blocks it stops its own async
functions and nothing else. An exception is a failed invocation, never a failed host.

Invariant: an invocation that takes longer than functionTimeout ends the process
(exit code TIMEOUT_EXIT), because a thread cannot be stopped; in Azure the host kills
the worker process the same way. Its messages come back when their lock runs out.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import logging
import os
import threading
import time
import uuid
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any

from . import log
from .bindings import Context, Data, Out, decode
from .config import TIMEOUT_EXIT
from .loader import Function, Output

Write = Callable[[Output, Any], Awaitable[None]]


class Worker:
    """Runs functions, several at a time.

    Args:
        directory: the app's folder, for Context.
        timeout: seconds that an invocation may take, None for no limit.
        write: sends an output binding's value.
    """

    def __init__(self, directory: str, timeout: float | None, write: Write) -> None:
        threads = int(os.environ.get("PYTHON_THREADPOOL_THREAD_COUNT") or min(32, (os.cpu_count() or 1) + 4))
        self._pool = concurrent.futures.ThreadPoolExecutor(threads, thread_name_prefix="function")
        self._directory = directory
        self._timeout = timeout
        self._write = write
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="function-loop", daemon=True).start()
        self.running = 0

    async def run(self, function: Function, data: Data, reason: str) -> bool:
        """Run it once; True if it succeeded."""
        invocation = str(uuid.uuid4())
        log.HOST.info("Executing 'Functions.%s' (Reason='%s', Id=%s)", function.name, reason, invocation)
        began = time.monotonic()
        self.running += 1
        try:
            await self._within_timeout(function, self._invoke(function, data, invocation))
        except Exception:
            self._report(function, invocation, began, failed=True)
            return False
        finally:
            self.running -= 1
        self._report(function, invocation, began)
        return True

    def _report(self, function: Function, invocation: str, began: float, *, failed: bool = False) -> None:
        log.HOST.log(
            logging.ERROR if failed else logging.INFO,
            "Executed 'Functions.%s' (%s, Id=%s, Duration=%dms)",
            function.name,
            "Failed" if failed else "Succeeded",
            invocation,
            (time.monotonic() - began) * 1000,
            exc_info=failed,
        )

    async def _within_timeout(self, function: Function, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        done, _ = await asyncio.wait({task}, timeout=self._timeout)
        if done:
            return task.result()
        log.HOST.critical(
            "Timeout value of %g s exceeded by function 'Functions.%s'. The process ends; "
            "its messages come back when their lock runs out.",
            self._timeout,
            function.name,
        )
        logging.shutdown()
        os._exit(TIMEOUT_EXIT)

    async def _invoke(self, function: Function, data: Data, invocation: str) -> None:
        arguments: dict[str, Any] = {}
        if function.wants_context:
            arguments["context"] = Context(function.name, self._directory, invocation, log.thread_place)
        outs = {output.parameter: Out() for output in function.outputs if output.parameter != "$return"}
        arguments.update(outs)
        result = await self._call(function, data, arguments, f"{function.name} {invocation}")
        returns = any(output.parameter == "$return" for output in function.outputs)
        if result is not None and not returns:
            raise RuntimeError(
                f"function {function.name!r} without a $return binding returned a non-None value"
            )
        for output in function.outputs:
            value = result if output.parameter == "$return" else outs[output.parameter].get()
            if value is not None:
                await self._write(output, value)

    async def _call(self, function: Function, data: Data, arguments: dict[str, Any], place: str) -> Any:
        context = contextvars.copy_context()
        context.run(log.place.set, place)
        loop = asyncio.get_running_loop()

        def ready() -> dict[str, Any]:
            return {function.trigger["name"]: decode(function, data), **arguments}

        # Decoding happens in the pool too: building an SDK client takes milliseconds.
        if not function.is_async:
            return await loop.run_in_executor(
                self._pool, partial(context.run, lambda: _no_exit(function.call, ready()))
            )
        given = await loop.run_in_executor(self._pool, partial(context.run, ready))
        done = context.run(
            asyncio.run_coroutine_threadsafe, _no_exit_async(function.call(**given)), self._loop
        )
        return await asyncio.wrap_future(done)


def _no_exit(call: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    try:
        return call(**arguments)
    except SystemExit as error:  # would end the loop that waits for it
        raise RuntimeError(f"the function called sys.exit({error.code!r})") from error


async def _no_exit_async(work: Coroutine[Any, Any, Any]) -> Any:
    try:
        return await work
    except SystemExit as error:
        raise RuntimeError(f"the function called sys.exit({error.code!r})") from error
