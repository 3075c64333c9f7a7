"""Repositories of the hub server that tests use: files, commits, branches and tags, in memory.

Ids are those of git: a file's is the SHA-1 of its blob (of its pointer where it is stored by LFS), so that
a cache that a client makes from them looks like one made from huggingface.co.
"""

import hashlib
import os
import random
from dataclasses import dataclass, field

LFS_SUFFIXES = (".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".onnx", ".msgpack", ".h5", ".gguf")


def git_blob_id(data):
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def random_bytes(size, seed):
    """`size` bytes that are the same for the same seed everywhere."""
    return random.Random(seed).randbytes(size)


class File:
    """One version of a file. `etag` names its blob in a cache: SHA-256 by LFS, git's id otherwise."""

    def __init__(self, path, data, lfs=None):
        self.data = data
        self.lfs = path.endswith(LFS_SUFFIXES) if lfs is None else lfs
        self.sha256 = hashlib.sha256(data).hexdigest()
        pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %d\n" % (
            self.sha256.encode(),
            len(data),
        )
        self.pointer_size = len(pointer)
        self.oid = git_blob_id(pointer if self.lfs else data)
        self.etag = self.sha256 if self.lfs else self.oid


@dataclass
class Repository:
    """`gated` is False, "auto" or "manual"; `readers` are the tokens that may read where it is gated or
    private; `card` is what stands in the model card's head, such as {"license": "apache-2.0"}."""

    name: str
    card: dict = field(default_factory=dict)
    gated: object = False
    private: bool = False
    readers: set = field(default_factory=set)
    commits: dict = field(default_factory=dict)  # hash -> {path: File}
    branches: dict = field(default_factory=dict)
    tags: dict = field(default_factory=dict)

    def commit(self, files, branch="main"):
        """Makes a commit that holds exactly `files` (path -> bytes or File) and returns its hash."""
        tree = {p: f if isinstance(f, File) else File(p, f) for p, f in sorted(files.items())}
        text = "\n".join(f"{f.oid} {path}" for path, f in tree.items())
        parent = self.branches.get(branch, "")
        commit = hashlib.sha1(f"{self.name}\n{parent}\n{text}".encode()).hexdigest()
        self.commits[commit] = tree
        self.branches[branch] = commit
        return commit

    def resolve(self, revision):
        """The commit of a branch, a tag, a whole or a shortened hash; None where there is no such."""
        name = revision.removeprefix("refs/heads/").removeprefix("refs/tags/")
        for names in (self.branches, self.tags):
            for candidate in (revision, name):
                if candidate in names:
                    return names[candidate]
        if len(revision) >= 7:
            found = [commit for commit in self.commits if commit.startswith(revision)]
            if len(found) == 1:
                return found[0]
        return None


def files_of(folder):
    """{path in the folder: bytes} of all files below a folder."""
    files = {}
    for root, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(root, name)
            with open(path, "rb") as file:
                files[os.path.relpath(path, folder).replace(os.sep, "/")] = file.read()
    return files
