"""The harness's model ``xlstm``."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from lm_eval.api.instance import Instance
from lm_eval.api.model import TemplateLM
from lm_eval.api.registry import register_model
from tqdm import tqdm

from ..errors import UsageError
from ..quantize import Quantize
from ..runner import xLSTMRunner
from .answers import Asked, answers
from .likelihood import Likelihood, likelihoods
from .reuse import Reuse

__all__ = ["XlstmLM"]

_log = logging.getLogger(__name__)


@register_model("xlstm")
class XlstmLM(TemplateLM):
    """An xLSTM for the harness, whose state carries what requests have in common.

    Nothing is cut: an xLSTM has no longest context.

    Args:
        pretrained: what ``xLSTMRunner.from_pretrained`` takes, as are revision, dtype, quantize and threads.
        device: "cpu", "gpu" or "auto"; what the harness calls a GPU of PyTorch ("cuda:0", its command
            line's default, too) is "auto".
        batch_size: rows that are computed side by side; "auto" is 8.
        max_gen_toks: of an answer, where the task does not say.
        add_bos_token: whether texts begin with BOS; None: as the tokenizer has it.
        prefix_token_id: what the likelihood of a text without a context is given; None: BOS.
        seed: of sampled answers; each has one of its own, made of this and its place.
        least_saved: tokens that must be saved for a common beginning to be read by itself.
        max_batch_size: not used; the harness gives it.

    ``reuse`` counts the tokens that were read and those that were asked for.
    """

    def __init__(
        self,
        pretrained: str = "classics-8m",
        *,
        revision: str | None = None,
        dtype: str = "auto",
        quantize: Quantize = None,
        device: str | None = None,
        threads: int = 0,
        batch_size: int | str = 8,
        max_batch_size: int | None = None,
        max_gen_toks: int = 256,
        add_bos_token: bool | None = None,
        prefix_token_id: int | None = None,
        seed: int = 0,
        least_saved: int = 64,
    ) -> None:
        super().__init__()
        self.runner = xLSTMRunner.from_pretrained(
            pretrained,
            revision=revision,
            dtype=dtype,
            quantize=quantize,
            device=_device(device),
            threads=threads,
        )
        self.tokenizer = self.runner.tokenizer
        self.batch_size = 8 if str(batch_size).startswith("auto") else int(batch_size)
        self.reuse = Reuse()
        self._max_gen_toks = max_gen_toks
        self._add_bos_token = add_bos_token
        self._prefix_token_id = prefix_token_id
        self._seed = seed
        self._least_saved = least_saved

    # --- tokens ---------------------------------------------------------------------------------------

    @property
    def eot_token_id(self) -> int:
        if self.tokenizer.eos_token_id is None:
            raise UsageError("[xlstm] wanted a model with an end token, got one without")
        return self.tokenizer.eos_token_id

    @property
    def prefix_token_id(self) -> int:
        for id in (self._prefix_token_id, self.tokenizer.bos_token_id):
            if id is not None:
                return id
        return self.eot_token_id

    @property
    def tokenizer_name(self) -> str:
        return str(self.runner.model_path).replace("/", "__")

    def tok_encode(self, string: str, add_special_tokens: bool | None = None, **others: Any) -> list[int]:
        """The ids of a text; by default with the special tokens that the tokenizer's template adds."""
        if add_special_tokens is None:
            begins = string.startswith(self._text(self.prefix_token_id))
            add_special_tokens = self._add_bos_token is not False and not begins
        ids = self.tokenizer.encode(string, add_special_tokens=add_special_tokens)
        if add_special_tokens and self._add_bos_token and ids[:1] != [self.prefix_token_id]:
            ids.insert(0, self.prefix_token_id)
        return ids

    def _text(self, id: int) -> str:
        return self.tokenizer.decode([id], skip_special_tokens=False)

    def apply_chat_template(self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
        text = self.tokenizer.apply_chat_template(
            chat_history, tokenize=False, add_generation_prompt=add_generation_prompt
        )
        assert isinstance(text, str)
        return text

    # --- requests -------------------------------------------------------------------------------------

    def _loglikelihood_tokens(
        self,
        requests: list[tuple[tuple[str, str], list[int], list[int]]],
        disable_tqdm: bool = False,
        **others: Any,
    ) -> list[tuple[float, bool]]:
        wanted = [Likelihood(context + continuation, len(context)) for _, context, continuation in requests]
        with tqdm(total=len(wanted), disable=disable_tqdm, desc="loglikelihood") as bar:
            for more in likelihoods(self.runner, wanted, self.batch_size, self._least_saved, self.reuse):
                bar.update(more)
        found = [(one.log_probability, one.is_greedy) for one in wanted]
        for (texts, _, _), answer in zip(requests, found):
            self.cache_hook.add_partial("loglikelihood", texts, answer)
        _log.info("loglikelihood: %s", self.reuse)
        return found

    def loglikelihood_rolling(self, requests: list[Instance], disable_tqdm: bool = False) -> list[float]:
        found: list[float] = []
        for begin in tqdm(range(0, len(requests), self.batch_size), disable=disable_tqdm, desc="rolling"):
            texts = [request.args[0] for request in requests[begin : begin + self.batch_size]]
            ids = [[self.prefix_token_id, *self.tok_encode(text)] for text in texts]
            self.reuse.asked += sum(map(len, ids))
            self.reuse.read += sum(map(len, ids))
            for text, scores in zip(texts, self.runner.score_batch(ids)):
                found.append(float(scores.sum(dtype=np.float64)))
                self.cache_hook.add_partial("loglikelihood_rolling", (text,), found[-1])
        return found

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
        groups: dict[str, list[int]] = {}
        for place, request in enumerate(requests):
            groups.setdefault(repr(request.args[1]), []).append(place)
        texts = [""] * len(requests)
        with tqdm(total=len(requests), disable=disable_tqdm, desc="generate_until") as bar:
            for places in groups.values():
                group = [requests[place] for place in places]
                for at, text in self._answers(group):
                    texts[places[at]] = text
                    self.cache_hook.add_partial("generate_until", group[at].args, text)
                    bar.update()
        _log.info("generate_until: %s", self.reuse)
        return texts

    def _answers(self, group: Sequence[Instance]) -> Iterator[tuple[int, str]]:
        """The answers of requests that ask for them in the same way, each with its place."""
        asked = Asked.of(group[0].args[1], self._max_gen_toks, self._text(self.eot_token_id), self._seed)
        contexts = [self.tok_encode(request.args[0]) or [self.prefix_token_id] for request in group]
        return answers(self.runner, contexts, asked, self.batch_size, self._least_saved, self.reuse)


def _device(name: str | None) -> str:
    """The engine's name of a device, of the harness's."""
    return "auto" if name is None or name.startswith(("cuda", "mps")) else name
