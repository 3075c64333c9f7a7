"""``python -m xlstm_metal.lm_eval``: the harness's command line, which knows the model ``xlstm``."""

from lm_eval.__main__ import cli_evaluate

from . import model  # noqa: F401  (registers it)

cli_evaluate()
