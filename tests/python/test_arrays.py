"""Arrays in and out: numpy's, MLX's, DLPack's, the buffer protocol's."""

from __future__ import annotations

import array
import subprocess
import sys
from typing import Any

import mlx.core as mx
import numpy as np
import pytest

from xlstm_metal import UsageError, _native, xLSTMRunner
from xlstm_metal.arrays import shares_mlx

IDS = [5, 300, 6, 4095]


class OnlyDlpack:
    """An array of another library: numbers by DLPack and by nothing else."""

    def __init__(self, values: Any) -> None:
        self._values = values

    def __dlpack__(self, **options: Any) -> Any:
        return self._values.__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return self._values.__dlpack_device__()


FLAT = {
    "list": IDS,
    "tuple": tuple(IDS),
    "numpy int64": np.array(IDS),
    "numpy int32": np.array(IDS, np.int32),
    "numpy int16": np.array(IDS, np.int16),
    "numpy uint16": np.array(IDS, np.uint16),
    "numpy uint64": np.array(IDS, np.uint64),
    "numpy with gaps": np.array([IDS, IDS]).T[:, 0],
    "numpy backwards": np.array(IDS[::-1])[::-1],
    "numpy scalars": [np.int64(id) for id in IDS],
    "mlx int32": mx.array(IDS),
    "mlx uint32": mx.array(IDS, mx.uint32),
    "mlx int64": mx.array(IDS, mx.int64),
    "mlx lazy": mx.array(IDS) + 0,
    "mlx with gaps": mx.array([IDS, IDS]).T[:, 0],
    "dlpack of numpy": OnlyDlpack(np.array(IDS)),
    "buffer": array.array("i", IDS),
    "memoryview": memoryview(np.array(IDS)),
}


@pytest.mark.parametrize("kind", FLAT)
def test_ids_of_every_kind(runner: xLSTMRunner, kind: str) -> None:
    assert _native.ids_of(FLAT[kind]).tolist() == IDS
    wanted = runner.generate(IDS, max_tokens=4, temperature=0)
    assert runner.generate(FLAT[kind], max_tokens=4, temperature=0) == wanted
    logits, _ = runner.forward(FLAT[kind])
    assert tuple(logits.shape) == (4, 4096)
    np.testing.assert_array_equal(np.array(logits), runner.forward(IDS)[0])


def test_ids_of_other_sequences(runner: xLSTMRunner) -> None:
    assert runner.generate(iter(IDS), max_tokens=0) == IDS
    assert _native.ids_of(range(3)).tolist() == [0, 1, 2]
    assert _native.ids_of(np.array([IDS])).tolist() == IDS
    assert _native.ids_of([]).tolist() == []


@pytest.mark.parametrize(
    "given",
    [
        [1.5],
        ["5"],
        "5",
        None,
        5,
        [2**31],
        [2**70],
        np.array([1.0]),
        np.array([True]),
        np.array(5),
        np.array([2**40]),
        np.zeros((2, 2, 2), int),
        np.array([[1, 2], [3, 4]]),
        [[1, 2], [3]],
        mx.array([1.5]),
        {"a": 1},
        object(),
    ],
    ids=repr,
)
def test_what_are_no_ids_of_one_sequence(given: Any) -> None:
    with pytest.raises(UsageError, match=r"^\[ids\] wanted "):
        _native.ids_of(given)


@pytest.mark.parametrize("given", [[-1], [4096], np.array([0, -7]), [[1, 5000]]], ids=repr)
def test_ids_outside_the_vocabulary(runner: xLSTMRunner, given: Any) -> None:
    with pytest.raises(UsageError):
        runner.forward(given)
    with pytest.raises(UsageError):
        runner.generate(given)


def test_mlx_shares_its_types() -> None:
    assert shares_mlx()


def test_logits_come_as_the_ids_did(runner: xLSTMRunner) -> None:
    assert isinstance(runner.forward(mx.array(IDS))[0], mx.array)
    assert isinstance(runner.forward(mx.array([IDS]), last_only=True)[0], mx.array)
    assert isinstance(runner.forward(np.array(IDS))[0], np.ndarray)
    assert isinstance(runner.forward(IDS)[0], np.ndarray)


def test_logits_by_dlpack(runner: xLSTMRunner) -> None:
    logits, _ = runner.forward(IDS)
    view = np.from_dlpack(logits)
    assert np.shares_memory(view, logits)
    mlx_logits, _ = runner.forward(mx.array(IDS))
    np.testing.assert_array_equal(np.from_dlpack(mlx_logits), logits)
    assert mx.argmax(mlx_logits, axis=-1).tolist() == logits.argmax(axis=-1).tolist()


def test_without_shared_types_mlx_copies(runner: xLSTMRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xlstm_metal.model.shares_mlx", lambda: False)
    logits, _ = runner.forward(mx.array(IDS))
    assert isinstance(logits, mx.array)
    np.testing.assert_array_equal(np.array(logits), runner.forward(IDS)[0])


# Peak memory of a call that makes logits of 64 MiB, above what it has in use before. Beside them it needs
# those of a segment of 512 tokens, 8 MiB, and activations; a copy would be 64 MiB more.
COPIES = """
import resource, sys
import numpy as np
import mlx.core as mx
from xlstm_metal import xLSTMRunner
make = {"numpy": np.array, "mlx": mx.array}[sys.argv[1]]
runner = xLSTMRunner("classics-8m")
runner.forward(make([1] * 512))
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
before = peak()
logits, state = runner.forward(make([1] * 4096))
assert logits.nbytes == 64 << 20
print((peak() - before) / 2**20)
"""


@pytest.mark.parametrize("kind", ["numpy", "mlx"])
def test_logits_are_not_copied(kind: str, environment: dict[str, str]) -> None:
    line = [sys.executable, "-c", COPIES, kind]
    done = subprocess.run(line, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert 48 < float(done.stdout) < 112
