"""What the tests of downloads share: a hub, a home of their own, the program, and looks into a cache.

The environment names the program (XLSTM_PROGRAM) and the project's root (XLSTM_SOURCE_DIR); tests/hub/
CMakeLists.txt sets both.
"""

import hashlib
import os
import re
import subprocess
import tempfile
import threading
import unittest
from pathlib import Path

from repository import git_blob_id, random_bytes
from server import HubServer

PROGRAM = os.environ.get("XLSTM_PROGRAM", str(Path(__file__).resolve().parents[2] / "build/release/bin/xlstm"))
ROOT = Path(os.environ.get("XLSTM_SOURCE_DIR", Path(__file__).resolve().parents[2]))
TIMEOUT = 120  # seconds after which a process that should have ended is stuck

# What a model's folder holds that a run of it needs, and what it does not.
NEEDED = {
    "config.json": b'{"model_type": "xlstm"}\n',
    "generation_config.json": b'{"eos_token_id": 2}\n',
    "tokenizer.json": b'{"version": "1.0"}\n' * 1000,
    "tokenizer_config.json": b'{"add_bos_token": true}\n',
    "special_tokens_map.json": b'{"bos_token": "<s>"}\n',
    "model.safetensors.index.json": (
        b'{"metadata": {}, "weight_map": {"a": "model-00001-of-00002.safetensors", '
        b'"b": "model-00002-of-00002.safetensors"}}\n'
    ),
    "model-00001-of-00002.safetensors": random_bytes(1_500_000, 1),
    "model-00002-of-00002.safetensors": random_bytes(700_001, 2),
}
NOT_NEEDED = {
    ".gitattributes": b"*.safetensors filter=lfs diff=lfs merge=lfs -text\n",
    "README.md": b"---\nlicense: apache-2.0\n---\n# A model\n",
    "pytorch_model-00001-of-00001.bin": random_bytes(2_000_000, 3),
    "pytorch_model.bin.index.json": b'{"weight_map": {}}\n',
    "model.onnx": random_bytes(100_000, 4),
    "flax_model.msgpack": random_bytes(100_000, 5),
    "images/plot.png": random_bytes(50_000, 6),
    "training/optimizer.pt": random_bytes(100_000, 7),
}
MODEL = {**NEEDED, **NOT_NEEDED}
SHARD = "model-00001-of-00002.safetensors"


def clean_environment():
    """This process's environment without what steers downloads."""
    return {
        name: value
        for name, value in os.environ.items()
        if not re.match(r"(HF_|HUGGING|XLSTM_|XDG_|.*_proxy$|.*_PROXY$|CURL_|SSL_CERT|REQUESTS_CA)", name)
    }


class Cache:
    """A look at the part of a cache that belongs to one repository."""

    def __init__(self, folder, name):
        self.folder = Path(folder) / ("models--" + name.replace("/", "--"))

    def ref(self, name="main"):
        return (self.folder / "refs" / name).read_text()

    def snapshot(self, commit=None):
        return self.folder / "snapshots" / (commit or self.ref())

    def files(self, commit=None):
        """{path: bytes} of a snapshot."""
        top = self.snapshot(commit)
        return {
            str(path.relative_to(top)): path.read_bytes() for path in top.rglob("*") if not path.is_dir()
        }

    def blobs(self):
        """{name: path} of the files that are complete, by their names."""
        found = (self.folder / "blobs").glob("*") if (self.folder / "blobs").exists() else ()
        return {path.name: path for path in found if not path.name.endswith(".incomplete")}

    def incomplete(self):
        """{ETag: bytes} of what is there of files that were not finished."""
        parts = (self.folder / "blobs").glob("*.incomplete") if self.folder.exists() else ()
        return {path.name.split(".")[0]: path.read_bytes() for path in parts}

    def faults(self):
        """What is wrong: blobs whose bytes are not those that their names promise, links that lead
        nowhere. An empty list where all is right, however much is still missing."""
        wrong = []
        for name, path in self.blobs().items():
            data = path.read_bytes()
            real = hashlib.sha256(data).hexdigest() if len(name) == 64 else git_blob_id(data)
            if real != name:
                wrong.append(f"blob {name} holds {real}")
        for path in self.folder.glob("snapshots/**/*"):
            if path.is_symlink() and not path.exists():
                wrong.append(f"{path} leads nowhere")
        return wrong


class HubTest(unittest.TestCase):
    """Each test has a hub, a home folder and an empty cache of its own. When it ends, it has never sent a
    token to the second host."""

    options = {}  # of its hub

    def setUp(self):
        self.hub = HubServer(**self.options)
        self.addCleanup(self.hub.close)
        tree = tempfile.TemporaryDirectory()
        self.addCleanup(tree.cleanup)
        self.home = Path(tree.name)
        self.cache_folder = self.home / "hf/hub"
        self.environment = {
            **clean_environment(),
            "HOME": str(self.home),
            "HF_HOME": str(self.home / "hf"),
            "HF_ENDPOINT": self.hub.url,
        }

    def tearDown(self):
        for request in self.hub.log:
            if request.host == "cdn":
                self.assertNotIn("authorization", request.headers, request.path)

    def cache(self, name="org/name"):
        return Cache(self.cache_folder, name)

    def start(self, *arguments, **environment):
        """A process of the program. An environment variable that is None is left out."""
        merged = {**self.environment, **environment}
        process = subprocess.Popen(
            [PROGRAM, *map(str, arguments)],
            env={name: value for name, value in merged.items() if value is not None},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(self._end, process)
        return process

    @staticmethod
    def _end(process):
        process.kill()
        process.communicate()

    def run_program(self, *arguments, **environment):
        """Runs it to its end: returncode, stdout, stderr."""
        return self.finish(self.start(*arguments, **environment))

    @staticmethod
    def finish(process):
        stdout, stderr = process.communicate(timeout=TIMEOUT)
        return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)

    def succeed(self, *arguments, **environment):
        done = self.run_program(*arguments, **environment)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def refuse(self, code, words, *arguments, **environment):
        """Runs it and wants this exit code and an error that has these words."""
        done = self.run_program(*arguments, **environment)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assert_error(done, words)
        return done

    def assert_error(self, done, words):
        self.assertIn("xlstm: [", done.stderr)
        for word in words:
            self.assertIn(word.lower(), done.stderr.lower())

    def assert_downloaded(self, files=None, name="org/name", commit=None):
        """The snapshot holds exactly these files, and nothing in the cache is wrong or left over."""
        cache = self.cache(name)
        self.assertEqual(cache.faults(), [])
        self.assertEqual(cache.incomplete(), {})
        found = cache.files(commit)
        files = NEEDED if files is None else files
        self.assertEqual(sorted(found), sorted(files))
        for path, data in files.items():
            self.assertTrue(found[path] == data, f"{path} has other bytes")

    def sent(self):
        """{ETag: bytes of it that were sent}."""
        total = {}
        for request in self.hub.bodies:
            total[request.file] = total.get(request.file, 0) + request.sent
        return total


def reached_or_ended(fault, process):
    """Waits until the fault happened or the process ended; whether it was the fault."""
    ended = threading.Event()

    def watch():
        process.wait()
        ended.set()
        fault.reached.set()

    threading.Thread(target=watch, daemon=True).start()
    fault.wait()
    return not ended.is_set()
