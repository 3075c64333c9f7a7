"""What the transformers library wants to know of a model that the engine has loaded."""

from __future__ import annotations

from typing import Any

import transformers
from huggingface_hub.dataclasses import strict
from transformers import GenerationConfig

from ..runner import xLSTMRunner

__all__ = ["complete_config", "config_of", "generation_config_of", "xLSTMConfig"]

_SPECIAL_TOKENS = ("bos_token_id", "eos_token_id", "pad_token_id")


@strict
class xLSTMConfig(transformers.xLSTMConfig):
    """The library's own, which takes the names of any kernels: none of them are run here.

    The library refuses those of kernels that are not installed, and so the config.json of xLSTM-7B.
    """

    model_type = "xlstm"
    chunkwise_kernel: str = "chunkwise--native_autograd"
    sequence_kernel: str = "native_sequence__native"
    step_kernel: str = "native"


def config_of(runner: xLSTMRunner) -> transformers.xLSTMConfig:
    """Sizes and constants as the engine has them, special tokens as the model's config.json.

    Special tokens that it does not name are the tokenizer's.
    """
    written, info = runner.config, runner.get_model_info()
    tokens = {name: written.get(name, info[name]) for name in _SPECIAL_TOKENS}
    return complete_config(xLSTMConfig(**tokens), runner)


def complete_config(config: transformers.xLSTMConfig, runner: xLSTMRunner) -> transformers.xLSTMConfig:
    """`config` with the engine's own sizes: config files of the NX-AI packages name them otherwise."""
    info = runner.get_model_info()
    known: dict[str, Any] = {
        "vocab_size": info["vocab_size"],
        "hidden_size": info["embedding_dim"],
        "embedding_dim": info["embedding_dim"],
        "num_hidden_layers": info["num_blocks"],
        "num_blocks": info["num_blocks"],
        "num_heads": info["num_heads"],
        "chunk_size": info["chunk_size"],
        "gate_soft_cap": info["gate_soft_cap"],
        "output_logit_soft_cap": info["output_logit_soft_cap"],
        "add_out_norm": info["has_out_norm"],
    }
    for name, value in known.items():
        if value is not None:
            setattr(config, name, value)
    config._name_or_path = str(runner.model_path)
    return config


def generation_config_of(runner: xLSTMRunner) -> GenerationConfig | None:
    """The folder's generation_config.json; None where there is none."""
    if not (runner.model_path / "generation_config.json").is_file():
        return None
    return GenerationConfig.from_pretrained(runner.model_path, local_files_only=True)
