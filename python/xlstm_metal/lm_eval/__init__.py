"""A model of the language model evaluation harness (``pip install 'xlstm-metal[lm-eval]'``).

Importing this registers the model ``xlstm``; ``python -m xlstm_metal.lm_eval`` is the harness's command
line with that done:

    python -m xlstm_metal.lm_eval run --model xlstm --model_args pretrained=classics-8m --tasks ...
"""

from .model import XlstmLM
from .reuse import Reuse

__all__ = ["Reuse", "XlstmLM"]
