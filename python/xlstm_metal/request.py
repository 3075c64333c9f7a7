"""What the engine is asked for, made of a prompt and of options."""

from __future__ import annotations

import json as json_module
from dataclasses import dataclass
from typing import Any

from . import _native, checks
from .errors import UsageError
from .hooks import Hooks
from .options import Options

__all__ = ["Asked", "make_request"]


@dataclass(frozen=True)
class Asked:
    """A request, and its hooks, which it holds weakly: whoever runs it keeps them until it has ended."""

    request: _native.Request
    hooks: Hooks


# Options that a request has by the same names, and what their values are.
_PLAIN = {
    "max_tokens": "an integer in [0, 2^63)",
    "temperature": "a number >= 0",
    "top_k": "an integer in [0, 2^31)",
    "top_p": "a number in [0, 1]",
    "min_p": "a number in [0, 1]",
    "seed": "an integer in [0, 2^64)",
    "repetition_penalty": "a number > 0",
    "presence_penalty": "a number",
    "frequency_penalty": "a number",
    "top_log_probabilities": "an integer >= 0",
    "add_bos": "True or False",
    "parse_special": "True or False",
}
_CONSTRAINTS = ("regex", "json", "json_schema")


def make_request(engine: _native.Engine, prompt: Any, options: Options) -> Asked:
    """What the engine is asked for: `prompt` is a text, or ids of any kind. None stands for an option
    that is left out."""
    for name in options:
        if name not in Options.__optional_keys__:
            there = ", ".join(sorted(Options.__optional_keys__))
            raise TypeError(f"unknown option {name!r}; there are {there}")
    request = _native.Request()
    request.max_tokens = 100
    request.parse_special = True
    if isinstance(prompt, str):
        request.prompt = checks.text(prompt, "prompt")
    else:
        request.prompt_ids = prompt
    for name, wanted in _PLAIN.items():
        _set(request, name, options.get(name), name, wanted)
    _set_ends(request, options)
    bias = options.get("logit_bias")
    _set(request, "logit_bias", bias, "logit_bias", "a mapping of token ids to numbers")
    request.constraint = _constraint(engine, options)
    hooks = Hooks(options.get("logits_processors"), options.get("sampler"))
    request.process_logits = hooks.weakly() if hooks else None
    return Asked(request, hooks)


def _set(request: _native.Request, field: str, value: Any, option: str, wanted: str) -> None:
    if value is None:
        return
    try:
        setattr(request, field, dict(value) if option == "logit_bias" else value)
    except (TypeError, ValueError):
        raise UsageError(f"[{option}] wanted {wanted}, got {value!r}") from None


def _set_ends(request: _native.Request, options: Options) -> None:
    stop = options.get("stop")
    if stop is not None:
        texts = [stop] if isinstance(stop, str) else checks.listed(stop, "stop", "a text or a list of texts")
        request.stop = [checks.text(one, "stop") for one in texts]
    stop_tokens = options.get("stop_tokens")
    if stop_tokens is not None:
        wanted = "a list of token ids"
        ids = checks.listed(stop_tokens, "stop_tokens", wanted)
        _set(request, "end_tokens", ids, "stop_tokens", wanted)
        request.stop_at_end_token = False


def _constraint(engine: _native.Engine, options: Options) -> _native.Constraint | None:
    given = [name for name in _CONSTRAINTS if options.get(name)]
    if len(given) > 1:
        raise UsageError(f"[options] wanted one of regex, json and json_schema, got {' and '.join(given)}")
    if given and options.get("sampler") is not None:
        raise UsageError(
            f"[sampler] wanted none beside {given[0]}, which forbids tokens after it has chosen; got both"
        )
    if given == ["regex"]:
        return _native.regex_constraint(engine, checks.text(options["regex"], "regex"))
    if given == ["json"]:
        return _native.json_constraint(engine)
    if given == ["json_schema"]:
        schema = options["json_schema"]
        text = schema if isinstance(schema, str) else json_module.dumps(schema)
        return _native.json_schema_constraint(engine, checks.text(text, "json_schema"))
    return None
