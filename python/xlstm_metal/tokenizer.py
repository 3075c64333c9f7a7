"""Text <-> token ids, as the model's tokenizer.json has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import _native, checks
from .errors import UsageError

__all__ = ["Tokenizer"]


class Tokenizer:
    """The tokenizer of a model."""

    def __init__(self, engine: _native.Engine) -> None:
        self._native = engine.tokenizer
        self.chat_template: str = engine.chat_template
        """The Jinja text of the model's files; "" where there is none."""
        self.bos_token_id: int | None = engine.bos_id
        self.eos_token_ids: list[int] = engine.end_ids
        self.eos_token_id: int | None = self.eos_token_ids[0] if self.eos_token_ids else None
        self.pad_token_id: int | None = self._native.pad_id

    def encode(self, text: str, add_special_tokens: bool = False, parse_special: bool = True) -> list[int]:
        """The ids of ``text``.

        ``add_special_tokens`` applies the tokenizer's own template (BOS, EOS where it asks for them);
        ``parse_special`` reads the text of special tokens as these.
        """
        return self._native.encode(checks.text(text, "text"), add_special_tokens, parse_special)

    def decode(self, ids: Any, skip_special_tokens: bool = True) -> str:
        """The text of ids [n]; bytes that are no characters become U+FFFD."""
        return self._native.decode(ids, skip_special_tokens)

    def token_bytes(self, id: int) -> bytes:
        """What a token stands for in running text; it may end inside a character."""
        return self._native.token_bytes(id)

    def token_to_id(self, token: str) -> int | None:
        """The id of a token by its spelling in the vocabulary."""
        return self._native.token_to_id(token)

    def is_special(self, id: int) -> bool:
        """Whether a token was added as a special one."""
        return self._native.is_special(id)

    @property
    def vocab_size(self) -> int:
        """One more than the largest id that has a token."""
        return self._native.max_id + 1

    def apply_chat_template(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        add_generation_prompt: bool = True,
        tokenize: bool = True,
        **variables: Any,
    ) -> str | list[int]:
        """The prompt of a conversation, as ids or (``tokenize=False``) as a text.

        ``messages`` are mappings with "role" and "content"; ``variables`` are the template's own. Needs
        Jinja (``pip install xlstm-metal[chat]``) and a model that has a template.
        """
        if not self.chat_template:
            raise UsageError("[chat template] wanted a model that has one, got one without")
        text = _render(
            self.chat_template,
            messages=list(messages),
            add_generation_prompt=add_generation_prompt,
            bos_token=self._text(self.bos_token_id),
            eos_token=self._text(self.eos_token_id),
            **variables,
        )
        return self.encode(text) if tokenize else text

    def _text(self, id: int | None) -> str:
        return "" if id is None else self.decode([id], skip_special_tokens=False)

    def __len__(self) -> int:
        return self.vocab_size

    def __repr__(self) -> str:
        chat = "with" if self.chat_template else "without"
        return f"<xlstm_metal.Tokenizer: {len(self)} tokens, {chat} a chat template>"


def _render(template: str, **variables: Any) -> str:
    """`template` run as the Hugging Face library runs chat templates, away from Python's insides."""
    try:
        from jinja2.exceptions import TemplateError
        from jinja2.sandbox import ImmutableSandboxedEnvironment
    except ImportError as error:
        raise ImportError("chat templates need Jinja: pip install 'xlstm-metal[chat]'") from error

    def refuse(message: str) -> None:
        raise UsageError(f"[chat template] {message}")

    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    environment.globals["raise_exception"] = refuse
    try:
        return environment.from_string(template).render(**variables)
    except TemplateError as error:
        raise UsageError(f"[chat template] wanted a template that runs, got: {error}") from error
