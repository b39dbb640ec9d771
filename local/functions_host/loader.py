"""function_app.py -> functions and their bindings.

Rule: an app is found and checked as Microsoft's worker does it (azure-functions-runtime
1.3.0: loader.index_function_app, functions.Registry): one FunctionApp at the top
level, every parameter bound, Out where the direction is out, `context` given when
asked for. What this host has no listener for is refused, naming function and binding.
"""

from __future__ import annotations

import importlib
import inspect
import os
import sys
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from azure.functions import FunctionRegister

from .config import HostError

TRIGGERS = {"blobTrigger", "queueTrigger", "timerTrigger"}


@dataclass(frozen=True, slots=True)
class Output:
    """A queue that a function writes to."""

    parameter: str
    """Name of the Out parameter, or `$return`."""
    queue: str
    connection: str
    annotation: Any


@dataclass(frozen=True, slots=True)
class Function:
    """One function of the app."""

    name: str
    call: Callable[..., Any]
    is_async: bool
    trigger: Mapping[str, Any]
    """The trigger's binding, as in function.json."""
    annotation: Any
    """Python type of the trigger's parameter, None where there is none."""
    outputs: tuple[Output, ...]
    wants_context: bool
    bindings: tuple[Mapping[str, Any], ...]

    @property
    def id(self) -> str:
        """What the real host calls it in messages."""
        return f"Host.Functions.{self.name}"


def load(app: Path) -> list[Function]:
    """Import the app and index its functions. The app folder becomes the working directory.

    Raises:
        HostError: no app, several apps, or a function that cannot be run here.
    """
    script = app / "function_app.py"
    if not script.exists():
        raise HostError(f"There is no function_app.py in {app}.")
    os.chdir(app)
    sys.path.insert(0, str(app))
    return [index(function) for function in _registered(importlib.import_module("function_app"))]


def _registered(module: Any) -> list[Any]:
    apps = [value for value in vars(module).values() if isinstance(value, FunctionRegister)]
    if len(apps) != 1:
        raise HostError(f"{module.__file__} defines {len(apps)} function apps at its top level, not one.")
    return list(apps[0].get_functions())


def index(registered: Any) -> Function:
    """One function, checked.

    Raises:
        HostError: it cannot be run here.
    """
    name = registered.get_function_name()
    call = registered.get_user_function()
    bindings = tuple(_plain(binding.get_dict_repr()) for binding in registered.get_bindings())
    annotations = typing.get_type_hints(call)
    trigger, outputs = _split(name, bindings, annotations)
    wants_context = _check_parameters(name, call, {binding["name"] for binding in bindings} - {"$return"})
    return Function(
        name=name,
        call=call,
        is_async=inspect.iscoroutinefunction(call),
        trigger=trigger,
        annotation=annotations.get(trigger["name"]),
        outputs=outputs,
        wants_context=wants_context,
        bindings=bindings,
    )


def _plain(binding: Mapping[str, Any]) -> dict[str, Any]:
    # Enums (direction, cardinality) are written by their names in function.json.
    return {key: value.name.lower() if hasattr(value, "name") else value for key, value in binding.items()}


def _split(
    name: str, bindings: tuple[Mapping[str, Any], ...], annotations: Mapping[str, Any]
) -> tuple[Mapping[str, Any], tuple[Output, ...]]:
    triggers = [binding for binding in bindings if binding["type"].endswith("Trigger")]
    if len(triggers) != 1:
        raise HostError(f"Function {name} has {len(triggers)} triggers, not one.")
    _check_trigger(name, triggers[0])
    return triggers[0], tuple(
        _output(name, binding, annotations) for binding in bindings if binding is not triggers[0]
    )


def _check_trigger(name: str, trigger: Mapping[str, Any]) -> None:
    if trigger["type"] not in TRIGGERS:
        raise HostError(
            f"Function {name}: this host has no {trigger['type']} (parameter {trigger['name']}); "
            f"it has {', '.join(sorted(TRIGGERS))}. Core Tools (`func start`) has them all."
        )
    if trigger["type"] == "blobTrigger" and str(trigger.get("source", "")).lower() != "eventgrid":
        raise HostError(
            f'Function {name}: the blob trigger {trigger["name"]} needs source="EventGrid"; '
            "Flex Consumption has no other, and neither has this host."
        )


def _output(name: str, binding: Mapping[str, Any], annotations: Mapping[str, Any]) -> Output:
    parameter = binding["name"]
    if binding["type"] != "queue" or binding["direction"] != "out":
        raise HostError(
            f"Function {name}: this host has no {binding['direction']} binding of type {binding['type']} "
            f"({parameter}); besides triggers it has queue outputs."
        )
    annotation = annotations.get("return" if parameter == "$return" else parameter)
    if parameter != "$return":
        annotation = _inside_out(name, parameter, annotation)
    return Output(
        parameter, binding["queueName"], binding.get("connection") or "AzureWebJobsStorage", annotation
    )


def _inside_out(name: str, parameter: str, annotation: Any) -> Any:
    if annotation is None:
        return None
    origin = typing.get_origin(annotation) or annotation
    if getattr(origin, "__name__", "") != "Out":
        raise HostError(
            f'Function {name}: {parameter} is declared to have the "out" direction, but its annotation '
            "in Python is not a subclass of azure.functions.Out."
        )
    return next(iter(typing.get_args(annotation)), None)


def _check_parameters(name: str, call: Callable[..., Any], bound: set[str]) -> bool:
    parameters = set(inspect.signature(call).parameters)
    wants_context = "context" in parameters and "context" not in bound
    parameters -= {"context"} if wants_context else set()
    if missing := parameters - bound:
        raise HostError(f"Function {name}: parameters without a binding: {', '.join(sorted(missing))}.")
    if extra := bound - parameters:
        raise HostError(f"Function {name}: bindings without a parameter: {', '.join(sorted(extra))}.")
    return wants_context
