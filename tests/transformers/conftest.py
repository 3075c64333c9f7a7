"""What the tests beside the transformers library share; `make test-transformers` runs them.

Nothing here asks the network: the libraries are told that there is none.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", TOKENIZERS_PARALLELISM="false")

import numpy as np
import pytest
import torch
import transformers
from safetensors.numpy import load_file
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import CONFIG_MAPPING, AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerFast

from xlstm_metal.hf import register, xLSTMForCausalLM

ROOT = Path(__file__).resolve().parents[2]
CLASSICS = ROOT / "models/classics-8m"
GOLDEN = Path(os.environ.get("XLSTM_GOLDEN", ROOT / "tests/data/golden"))
CASES = sorted(path.name for path in GOLDEN.iterdir() if path.name.startswith("large-"))
# Those that transformers itself opens: the others have the names or the fused weights of NX-AI's package.
OPENED_BY_TRANSFORMERS = [
    name for name in CASES if (GOLDEN / name / "generation_config.json").is_file()
]

assert len(CASES) >= 8 and len(OPENED_BY_TRANSFORMERS) >= 4

# More threads than free cores wait for each other in PyTorch: its own are few, so that a busy machine does.
torch.set_num_threads(1)


@dataclass
class Case:
    """A tiny model, as transformers runs it (where it does) and as we do."""

    name: str
    ours: xLSTMForCausalLM
    golden: dict[str, np.ndarray]

    @property
    def reference(self) -> Any:
        return transformers.xLSTMForCausalLM.from_pretrained(GOLDEN / self.name, dtype=torch.float32).eval()

    @property
    def ids(self) -> torch.Tensor:
        """[1, T]"""
        return torch.from_numpy(self.golden["ids"])[None]


@pytest.fixture(scope="session", params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return opened(request.param)


@pytest.fixture(scope="session", params=OPENED_BY_TRANSFORMERS)
def both(request: pytest.FixtureRequest) -> Case:
    return opened(request.param)


def opened(name: str) -> Case:
    folder = GOLDEN / name
    return Case(name, xLSTMForCausalLM.from_pretrained(folder), load_file(folder / "golden.safetensors"))


@pytest.fixture(scope="session")
def classics() -> xLSTMForCausalLM:
    return xLSTMForCausalLM.from_pretrained(CLASSICS)


@pytest.fixture(scope="session")
def tokenizer() -> Any:
    return AutoTokenizer.from_pretrained(CLASSICS)


@pytest.fixture
def numbers() -> PreTrainedTokenizerFast:
    """A tokenizer for the tiny models, which have none: the text "<7> <12>" is the ids 7 and 12."""
    words = {f"<{id}>": id for id in range(160)}
    made = Tokenizer(models.WordLevel(words, unk_token="<0>"))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=made, pad_token="<1>", eos_token="<0>", padding_side="left")


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """With `register()` called, for one test."""
    for mapping in (AutoModelForCausalLM._model_mapping, CONFIG_MAPPING):
        monkeypatch.setattr(mapping, "_extra_content", dict(mapping._extra_content))
    register()


def largest_difference(ours: Any, reference: Any) -> float:
    """Largest |a - b| as a share of the largest |b|; infinity where something is not finite."""
    a, b = np.asarray(ours, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    assert a.shape == b.shape
    share = np.abs(a - b).max() / np.abs(b).max()
    return float(share) if np.isfinite(share) else float("inf")


def rounding_bound(model: xLSTMForCausalLM, S: int) -> float:
    """How far two float32 evaluations may be apart, as a share of the largest logit.

    Each product of length n rounds n times at most, and the residual stream passes through all of a block's
    products (q, k, v and o-gate of D, output of D, FFN up of D, down of F), one block after the other; the
    query's product with the state has DHQK terms, and the recurrence rounds the state at each of S steps.
    Twice that, for the two of them; and never more than the 1e-3 that references are met with.
    """
    sizes = model.runner.get_model_info()
    D, F = sizes["embedding_dim"], sizes["ffn_dim"]
    block = 7 * D + F + sizes["qk_dim"] // sizes["num_heads"] + S
    return float(min(1e-3, 2 * np.finfo(np.float32).eps * sizes["num_blocks"] * block))
