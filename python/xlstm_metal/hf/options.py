"""Arguments of the library's ``from_pretrained``, in the engine's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from ..errors import UsageError

__all__ = ["check_ignored", "engine_dtype", "tensor_device"]

# How the library is to make modules: nothing of it changes what the engine does.
_IGNORED = frozenset({
    "adapter_kwargs",
    "attn_implementation",
    "low_cpu_mem_usage",
    "max_memory",
    "trust_remote_code",
    "use_safetensors",
})


def check_ignored(others: Mapping[str, Any]) -> None:
    """Raises UsageError for an argument with a value that would have to change something."""
    for name, value in others.items():
        if name in _IGNORED or name.startswith("_") or value is None or value is False or value == "":
            continue
        raise UsageError(f"[from_pretrained] wanted arguments that the engine can follow, got {name}={value!r}")


def engine_dtype(dtype: str | torch.dtype | None) -> str:
    """float32, bfloat16 or auto."""
    return "auto" if dtype is None else str(dtype).removeprefix("torch.")


def tensor_device(device_map: Any) -> torch.device:
    """Where tensors come in and go out."""
    if isinstance(device_map, Mapping):
        if list(device_map) != [""]:
            raise UsageError(f"[from_pretrained] wanted a device_map of one device, got {dict(device_map)}")
        device_map = device_map[""]
    if device_map is None or device_map == "auto":
        return torch.device("cpu")
    return torch.device(device_map)
