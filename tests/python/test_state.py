"""States: forks, files, and what they hold."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest

from conftest import PROMPT
from xlstm_metal import Completion, ModelError, State, UsageError, XlstmError, xLSTMRunner
from xlstm_metal.errors import FormatError, MissingFileError


def test_fork_goes_on_by_itself(runner: xLSTMRunner, greedy: Completion) -> None:
    read = runner.complete(PROMPT, max_tokens=0).state
    assert read is not None
    for fork in (read.fork(), copy.copy(read), copy.deepcopy(read)):
        other = runner.complete(" a queen", state=fork, max_tokens=8, temperature=0)
        assert other.tokens != greedy.tokens[:8]
        assert fork.position == read.position  # calls leave what they go on from
    assert runner.complete([], state=read, max_tokens=24, temperature=0).tokens == greedy.tokens


def test_reset_and_set(runner: xLSTMRunner) -> None:
    runner.generate(PROMPT, max_tokens=3)
    kept = runner.state
    assert kept.position == len(runner.prompt_ids(PROMPT)) + 3
    runner.reset_state()
    assert runner.state.position == 0 and kept.position > 0
    runner.state = kept
    assert runner.state is kept
    runner.state = None
    assert runner.state.position == 0
    assert kept.nbytes == runner.state.nbytes == runner.get_model_info()["state_bytes"]


def test_saved_and_loaded(runner: xLSTMRunner, greedy: Completion, tmp_path: Path) -> None:
    file = tmp_path / "sea.state"
    read = runner.complete(PROMPT, max_tokens=0).state
    assert read is not None
    read.save(file)
    state = xLSTMRunner(runner.model_path).new_state()
    state.load(file)
    assert state.position == read.position
    loaded = runner.new_state()
    loaded.load(str(file))
    assert runner.complete([], state=loaded, max_tokens=24, temperature=0).tokens == greedy.tokens


def test_bad_files_leave_the_state(runner: xLSTMRunner, tmp_path: Path) -> None:
    state = runner.complete(PROMPT, max_tokens=0).state
    assert state is not None
    before = state.next_logits()
    damaged = tmp_path / "damaged.state"
    damaged.write_bytes(b"no safetensors at all")
    with pytest.raises(FormatError):
        state.load(damaged)
    with pytest.raises(FileNotFoundError):
        state.load(tmp_path / "none.state")
    with pytest.raises(MissingFileError):
        state.save(tmp_path / "no/folder/x.state")
    with pytest.raises(OSError):
        state.save(tmp_path)
    np.testing.assert_array_equal(state.next_logits(), before)


def test_another_models_state_is_refused(runner: xLSTMRunner, tmp_path: Path) -> None:
    small = xLSTMRunner(runner.model_path.parent.parent / "tests/data/golden/large-plain")
    state = small.new_state()
    small.forward([1, 2, 3])[1].save(tmp_path / "small.state")
    with pytest.raises(ModelError):
        runner.new_state().load(tmp_path / "small.state")
    with pytest.raises(UsageError, match="another's"):
        runner.new_state().assign(state)
    with pytest.raises(UsageError):
        runner.forward([1], state)
    with pytest.raises(XlstmError):
        runner.generate([1], state=state)


def test_assign(runner: xLSTMRunner) -> None:
    state, other = runner.new_state(), runner.forward([4, 5, 6])[1]
    state.assign(other)
    state.assign(state)
    assert state.position == 3
    np.testing.assert_array_equal(state.next_logits(), other.next_logits())


def test_arrays(runner: xLSTMRunner) -> None:
    state = runner.forward([4, 5, 6])[1]
    arrays = state.arrays()
    assert {name: arrays[name].shape for name in ("blocks.0.C", "blocks.0.n", "blocks.7.m")} == {
        "blocks.0.C": (4, 32, 64),
        "blocks.0.n": (4, 32),
        "blocks.7.m": (4,),
    }
    assert sum(array.nbytes for array in arrays.values()) == state.nbytes
    arrays["blocks.0.C"][:] = np.nan  # a copy
    assert np.isfinite(state.arrays()["blocks.0.C"]).all()


def test_next_logits(runner: xLSTMRunner) -> None:
    logits, state = runner.forward([4, 5, 6])
    np.testing.assert_array_equal(state.next_logits(), logits[-1])
    with pytest.raises(UsageError):
        runner.new_state().next_logits()


def test_states_are_made_by_models() -> None:
    with pytest.raises(TypeError):
        State()
