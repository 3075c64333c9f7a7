"""The tokenizer, and conversations as prompts."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from conftest import MODEL
from xlstm_metal import UsageError, xLSTMRunner

TEMPLATE = (
    "{% for message in messages %}<|{{ message.role }}|>{{ message.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
MESSAGES = [{"role": "user", "content": "Who are you?"}]


@pytest.fixture(scope="module")
def chatty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with a chat template."""
    folder = tmp_path_factory.mktemp("model") / "chatty"
    shutil.copytree(MODEL, folder)
    (folder / "chat_template.jinja").write_text(TEMPLATE)
    return folder


def test_there_and_back(runner: xLSTMRunner) -> None:
    tokenizer = runner.tokenizer
    for text in ("Hello there", "caf\u00e9 \U0001f600\n\n", ""):
        assert tokenizer.decode(tokenizer.encode(text)) == text
    assert b"".join(tokenizer.token_bytes(id) for id in tokenizer.encode("caf\u00e9")).decode() == "caf\u00e9"


def test_special_tokens(runner: xLSTMRunner) -> None:
    tokenizer = runner.tokenizer
    end = tokenizer.eos_token_id
    assert end is not None and tokenizer.is_special(end)
    text = tokenizer.decode([end], skip_special_tokens=False)
    assert tokenizer.encode(text) == [end] and tokenizer.token_to_id(text) == end
    assert tokenizer.encode(text, parse_special=False) != [end]
    assert tokenizer.decode([end]) == ""
    assert (tokenizer.vocab_size, len(tokenizer)) == (4096, 4096)
    assert tokenizer.pad_token_id == 1


def test_text_that_is_none(runner: xLSTMRunner) -> None:
    with pytest.raises(ValueError, match=r"^\[text\] wanted a text, got 5"):
        runner.tokenizer.encode(5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"^\[text\] wanted Unicode text"):
        runner.tokenizer.encode("half a character: \ud800")


def test_chat_template(chatty: Path) -> None:
    tokenizer = xLSTMRunner(chatty).tokenizer
    assert "with a chat template" in repr(tokenizer)
    wanted = "<|user|>Who are you?\n<|assistant|>"
    assert tokenizer.apply_chat_template(MESSAGES, tokenize=False) == wanted
    assert tokenizer.apply_chat_template(MESSAGES) == tokenizer.encode(wanted)
    unfinished = tokenizer.apply_chat_template(MESSAGES, add_generation_prompt=False, tokenize=False)
    assert unfinished == "<|user|>Who are you?\n"


@pytest.mark.parametrize(
    "template",
    [
        "{{ raise_exception('no system') }}",
        "{% if %}",
        "{{ messages.__class__.__base__.__subclasses__() }}",
        "{{ messages[0].x.y }}",
    ],
)
def test_templates_that_fail(chatty: Path, template: str) -> None:
    tokenizer = xLSTMRunner(chatty).tokenizer
    tokenizer.chat_template = template
    with pytest.raises(UsageError, match="chat template"):
        tokenizer.apply_chat_template(MESSAGES)


def test_without_a_template(runner: xLSTMRunner) -> None:
    with pytest.raises(UsageError, match="wanted a model that has one"):
        runner.tokenizer.apply_chat_template(MESSAGES)


def test_without_jinja(chatty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jinja2.exceptions", None)
    with pytest.raises(ImportError, match="xlstm-metal\\[chat\\]"):
        xLSTMRunner(chatty).tokenizer.apply_chat_template(MESSAGES)


def test_template_is_that_of_the_configuration(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(MODEL, folder)
    config = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps({**config, "chat_template": TEMPLATE}))
    assert xLSTMRunner(folder).tokenizer.chat_template == TEMPLATE
