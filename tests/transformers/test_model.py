"""The model as an object: its configuration, what it is asked for, what it refuses."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from transformers import pipeline

from conftest import CLASSICS, GOLDEN, Case
from xlstm_metal import MissingFileError, UsageError, xLSTMRunner
from xlstm_metal.hf import xLSTMConfig, xLSTMForCausalLM


def test_configuration_is_that_of_transformers(both: Case) -> None:
    wanted = both.reference.config
    for name in (
        "model_type vocab_size hidden_size embedding_dim num_hidden_layers num_blocks num_heads chunk_size "
        "gate_soft_cap output_logit_soft_cap add_out_norm bos_token_id eos_token_id pad_token_id"
    ).split():
        assert getattr(both.ours.config, name) == getattr(wanted, name), name
    assert both.ours.generation_config.to_dict() == both.reference.generation_config.to_dict()


def test_the_names_of_kernels_that_are_not_installed_are_taken() -> None:
    names = {"chunkwise_kernel": "chunkwise--triton_xl_chunk", "step_kernel": "triton"}
    with pytest.raises(Exception, match="chunkwise_kernel"):
        transformers.xLSTMConfig(**names)
    assert xLSTMConfig(**names).step_kernel == "triton"


def test_sizes_that_the_package_names_otherwise(case: Case) -> None:
    info = case.ours.runner.get_model_info()
    assert case.ours.config.hidden_size == info["embedding_dim"]
    assert case.ours.config.num_hidden_layers == info["num_blocks"]
    assert case.ours.config.pad_token_id == 1


def test_parameters_are_counted(both: Case) -> None:
    for exclude in (False, True):
        assert both.ours.num_parameters(exclude_embeddings=exclude) == both.reference.num_parameters(
            exclude_embeddings=exclude
        )
    assert both.ours.num_parameters(only_trainable=True) == 0
    assert list(both.ours.parameters()) == []


def test_by_the_name_of_an_embedded_model(classics: xLSTMForCausalLM) -> None:
    model = xLSTMForCausalLM.from_pretrained("classics-8m", dtype="bfloat16", revision="main")
    assert model.dtype == torch.bfloat16 and classics.dtype == torch.float32
    assert Path(model.name_or_path).name == "classics-8m"
    assert model.get_memory_footprint() < classics.get_memory_footprint()
    assert model.device == torch.device("cpu")


def test_quantised_while_it_loads(classics: xLSTMForCausalLM) -> None:
    model = xLSTMForCausalLM.from_pretrained(CLASSICS, quantize=4)
    assert model.get_memory_footprint() < classics.get_memory_footprint() / 4
    ids = torch.arange(30, 50)[None]
    found, wanted = model(ids).logits[0].argmax(-1), classics(ids).logits[0].argmax(-1)
    assert (found == wanted).float().mean() > 0.5


def test_above_a_runner_that_is_there() -> None:
    runner = xLSTMRunner(GOLDEN / "large-plain")
    model = xLSTMForCausalLM(transformers.xLSTMConfig(vocab_size=160), runner)
    assert model.runner is runner and model(torch.tensor([[5]])).logits.shape == (1, 1, 160)


@pytest.mark.parametrize(
    "wrong",
    [
        {"dtype": torch.float16},
        {"dtype": "int8"},
        {"quantize": 7},
        {"device_map": {"lm_head": 0}},
        {"subfolder": "weights"},
        {"gguf_file": "model.gguf"},
        {"tp_plan": "auto"},
        {"load_in_4bit": True},
        {"no_such_argument": 3},
    ],
)
def test_arguments_that_cannot_be_followed_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="wanted .*, got "):
        xLSTMForCausalLM.from_pretrained(CLASSICS, **wrong)


def test_arguments_that_mean_nothing_here_are_taken() -> None:
    model = xLSTMForCausalLM.from_pretrained(
        CLASSICS, trust_remote_code=True, low_cpu_mem_usage=True, max_memory=None, subfolder="", gguf_file=None
    )
    assert model.training is False


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError):
        xLSTMForCausalLM.from_pretrained(tmp_path / "none")


def test_what_needs_weights_is_refused(classics: xLSTMForCausalLM, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="xlstm convert"):
        classics.save_pretrained(tmp_path / "saved")
    assert not (tmp_path / "saved").exists()
    with pytest.raises(UsageError, match="resize_token_embeddings"):
        classics.resize_token_embeddings(5000)
    with pytest.raises(UsageError, match="from_pretrained"):
        xLSTMForCausalLM(classics.config)


def test_a_pipeline_knows_it(
    classics: xLSTMForCausalLM,
    tokenizer: Any,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(logging.getLogger("transformers"), "propagate", True)
    pipeline("text-generation", model=classics, tokenizer=tokenizer)
    assert "not supported" not in caplog.text


def test_shows_what_it_is(classics: xLSTMForCausalLM) -> None:
    assert "8,542,528 parameters" in repr(classics)
    assert repr(classics(torch.tensor([[5, 6]])).past_key_values).endswith("1 rows, 2 columns read>")
