"""Models of the Hugging Face transformers library that run on the engine (``pip install 'xlstm-metal[hf]'``).

    >>> from transformers import AutoTokenizer, pipeline
    >>> from xlstm_metal.hf import xLSTMForCausalLM
    >>> model = xLSTMForCausalLM.from_pretrained("classics-8m")
    >>> tokenizer = AutoTokenizer.from_pretrained(model.name_or_path)
    >>> write = pipeline("text-generation", model=model, tokenizer=tokenizer)

After ``register()`` the library's own ``AutoModelForCausalLM`` and ``pipeline`` make such models of a folder.
"""

from .cache import xLSTMCache
from .config import xLSTMConfig
from .modeling import xLSTMForCausalLM, register

__all__ = ["register", "xLSTMCache", "xLSTMConfig", "xLSTMForCausalLM"]
