"""A language model as the transformers library knows them, run by the engine."""

from __future__ import annotations

import dataclasses
import os
from typing import Any, NoReturn

import numpy as np
import torch
import transformers
from transformers import AutoConfig, AutoModelForCausalLM, GenerationMixin, PreTrainedModel
from transformers.modeling_outputs import CausalLMOutputWithPast

from ..errors import UsageError
from ..quantize import Quantize
from ..runner import xLSTMRunner
from .cache import xLSTMCache
from .config import complete_config, config_of, generation_config_of, xLSTMConfig
from .options import check_ignored, engine_dtype, tensor_device
from .reading import read_padded

__all__ = ["xLSTMForCausalLM", "register"]

# What this version of the library calls the cache: "past_key_values" in 5.17, "cache" in 5.24.
_OUTPUTS = {field.name for field in dataclasses.fields(CausalLMOutputWithPast)}
_CACHE = "cache" if "cache" in _OUTPUTS else "past_key_values"


class xLSTMForCausalLM(PreTrainedModel, GenerationMixin):
    """An xLSTM that the engine runs; made by ``from_pretrained``.

    It computes logits and takes no gradients; its weights are the engine's and no tensors of PyTorch.
    ``device`` is where it takes ids and gives logits (``to`` moves that); the engine computes where
    ``from_pretrained`` was told. ``runner`` is the ``xLSTMRunner`` below.
    """

    config_class = xLSTMConfig
    main_input_name = "input_ids"
    _is_stateful = True  # generate() refuses what would take tokens back

    def __init__(self, config: transformers.xLSTMConfig, runner: xLSTMRunner | None = None) -> None:
        if runner is None:
            raise UsageError("[xLSTMForCausalLM] wanted from_pretrained(folder), got a config without weights")
        super().__init__(config)
        self.runner = runner
        self.register_buffer("_place", torch.empty(0), persistent=False)
        self._start = runner.new_state()
        self.post_init()
        self.eval()

    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: str | os.PathLike[str],
        *,
        config: transformers.xLSTMConfig | None = None,
        dtype: str | torch.dtype | None = "auto",
        quantize: Quantize = None,
        cache_dir: str | os.PathLike[str] | None = None,
        force_download: bool = False,
        revision: str | None = None,
        device: str = "auto",
        device_map: Any = None,
        threads: int = 0,
        memory_limit: int = 0,
        **others: Any,
    ) -> xLSTMForCausalLM:
        """Loads a model by what ``xLSTMRunner.from_pretrained`` takes.

        Args:
            config: None: made of the model's files.
            dtype: of the weights in memory: torch.float32, torch.bfloat16, their names, or "auto".
            device: of the engine: "cpu", "gpu" or "auto".
            device_map: where tensors come in and go out: None, "auto", a device, or {"": device}.
            others: arguments of the library that mean nothing here; one that would is refused.

        Raises:
            UsageError: an argument that cannot be followed. And the errors of ``xLSTMRunner``.
        """
        dtype = others.pop("torch_dtype", None) or dtype
        check_ignored(others)
        place = tensor_device(device_map)
        runner = xLSTMRunner.from_pretrained(
            pretrained_model_name_or_path,
            cache_dir=cache_dir,
            force_download=force_download,
            revision=None if revision == "main" else revision,
            dtype=engine_dtype(dtype),
            quantize=quantize,
            device=device,
            threads=threads,
            memory_limit=memory_limit,
        )
        model = cls(config_of(runner) if config is None else complete_config(config, runner), runner)
        generation_config = generation_config_of(runner)
        if generation_config is not None:
            model.generation_config = generation_config
        model.to(place)
        return model

    def forward(
        self,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        past_key_values: xLSTMCache | None = None,
        labels: torch.Tensor | None = None,
        use_cache: bool | None = None,
        logits_to_keep: int | torch.Tensor = 0,
        return_dict: bool | None = None,
        cache: xLSTMCache | None = None,
        **others: Any,
    ) -> CausalLMOutputWithPast | tuple[Any, ...]:
        """Reads ids, each row on from its state.

        Args:
            input_ids: [B, S] integers; S >= 1.
            attention_mask: [B, S], or [B, S + columns read before]: 0 for padding, which is not read,
                wherever it stands.
            past_key_values, cache: what was read before; it is moved on. The library's older and newer
                versions have the one name or the other, here both do.
            labels: [B, S]; ids, or -100 for what does not count: asks for the loss, without gradients.
            use_cache: whether to return the states (as the config has it: yes).
            logits_to_keep: only of the last n columns, 0: all; or of these columns.

        Returns:
            ``logits`` float32 [B, S or n, V]: after padding those after the token before it, zeros where
            there was none; ``past_key_values``, ``cache`` in newer versions; ``loss``.
        """
        for name in ("inputs_embeds", "output_attentions", "output_hidden_states"):
            if others.get(name) is not None and others[name] is not False:
                raise UsageError(f"[forward] wanted ids in and logits out, got {name}")
        if input_ids is None or input_ids.ndim != 2:
            raise UsageError(f"[forward] wanted input_ids [B, S], got {_shape(input_ids)}")
        given = past_key_values if cache is None else cache
        cache = xLSTMCache([self._start] * len(input_ids)) if given is None else given
        if not isinstance(cache, xLSTMCache) or len(cache) != len(input_ids):
            raise UsageError(f"[forward] wanted an xLSTMCache of {len(input_ids)} rows, got {cache!r}")
        columns = input_ids.shape[1]
        if isinstance(logits_to_keep, int):
            kept = np.arange(columns)[-logits_to_keep:]
        else:
            kept = logits_to_keep.cpu().numpy()
        logits, states = read_padded(
            self.runner,
            input_ids.detach().cpu().numpy(),
            _mask_of(attention_mask, input_ids),
            cache.states,
            kept,
        )
        cache.move_to(states, columns)
        output = CausalLMOutputWithPast(logits=torch.from_numpy(logits).to(input_ids.device))
        if labels is not None:
            output.loss = self.loss_function(output.logits, labels, vocab_size=self.config.vocab_size)
        if given is not None or (self.config.use_cache if use_cache is None else use_cache):
            output[_CACHE] = cache
        return output.to_tuple() if return_dict is False else output

    # --- what the library asks of a model that has its weights in modules -----------------------------

    @property
    def device(self) -> torch.device:
        """Where tensors come in and go out."""
        place: torch.Tensor = self._place
        return place.device

    @property
    def dtype(self) -> torch.dtype:
        """Of the weights."""
        found: torch.dtype = getattr(torch, self.runner.get_model_info()["dtype"])
        return found

    def num_parameters(self, only_trainable: bool = False, exclude_embeddings: bool = False) -> int:
        """The model's parameters; none of them is trainable."""
        info = self.runner.get_model_info()
        embeddings = info["vocab_size"] * info["embedding_dim"] if exclude_embeddings else 0
        return 0 if only_trainable else int(info["parameters"]) - embeddings

    def get_memory_footprint(self, return_buffers: bool = True) -> int:
        """Bytes of the weights in memory."""
        return int(self.runner.get_model_info()["weight_bytes"])

    def save_pretrained(self, *_: Any, **__: Any) -> NoReturn:
        """Refuses: the engine holds the weights in a form of its own."""
        raise UsageError(
            f"[save_pretrained] wanted weights of PyTorch, got a model that the engine holds: copy "
            f"{self.runner.model_path}, or convert it with `xlstm convert`"
        )

    def resize_token_embeddings(self, *_: Any, **__: Any) -> NoReturn:
        """Refuses: the weights cannot be changed."""
        raise UsageError(
            "[resize_token_embeddings] wanted weights of PyTorch, got a model that the engine holds"
        )

    def __repr__(self) -> str:
        return f"<xlstm_metal.hf.xLSTMForCausalLM on {self.runner!r}>"


def register() -> None:
    """Lets ``AutoModelForCausalLM`` and ``pipeline`` make ``xLSTMForCausalLM`` of an xLSTM's folder."""
    AutoConfig.register("xlstm", xLSTMConfig, exist_ok=True)
    AutoModelForCausalLM.register(xLSTMConfig, xLSTMForCausalLM, exist_ok=True)


def _mask_of(attention_mask: torch.Tensor | None, input_ids: torch.Tensor) -> np.ndarray[Any, Any] | None:
    """The columns of the mask that belong to `input_ids`, as booleans."""
    if attention_mask is None:
        return None
    B, S = input_ids.shape
    if attention_mask.ndim != 2 or attention_mask.shape[0] != B or attention_mask.shape[1] < S:
        raise UsageError(
            f"[forward] wanted an attention_mask [{B}, {S} or more], got {_shape(attention_mask)}"
        )
    found: np.ndarray[Any, Any] = attention_mask[:, -S:].detach().cpu().numpy() != 0
    return found


def _shape(tensor: torch.Tensor | None) -> str:
    return "none" if tensor is None else str(list(tensor.shape))
