"""The hub's own Python client (huggingface_hub, requirements/huggingface-hub.txt) and xlstm download share
one cache: each finds what the other fetched, and both may fetch at once. Run by the Python that has it."""

import subprocess
import sys
import unittest

from support import MODEL, NEEDED, SHARD, HubTest, reached_or_ended

# Prints the folder of a snapshot.
SNAPSHOT = """
import sys
from huggingface_hub import snapshot_download
print(snapshot_download(sys.argv[1], revision=sys.argv[2] or None, allow_patterns=sys.argv[3].split()))
"""
FILES = """
import sys
from huggingface_hub import hf_hub_download
for name in sys.argv[2:]:
    print(hf_hub_download(sys.argv[1], name))
"""
# Whether the cache is known to lack each file.
ABSENT = """
import sys
from huggingface_hub import _CACHED_NO_EXIST, try_to_load_from_cache
for name in sys.argv[2:]:
    print(try_to_load_from_cache(sys.argv[1], name) is _CACHED_NO_EXIST)
"""
# Asks for files that are not there, which the package remembers.
ASK_IN_VAIN = """
import sys
from huggingface_hub import hf_hub_download
from huggingface_hub.errors import EntryNotFoundError
for name in sys.argv[2:]:
    try:
        hf_hub_download(sys.argv[1], name)
        raise SystemExit(f"{name} is there")
    except EntryNotFoundError:
        pass
"""
# What a model may have and this one has not.
NOT_THERE = ["added_tokens.json", "chat_template.jinja", "chat_template.json", "config.yaml",
             "model.safetensors"]
SCAN = """
from huggingface_hub import scan_cache_dir
info = scan_cache_dir()
print(len(info.warnings))
for repository in info.repos:
    for revision in repository.revisions:
        print(repository.repo_id, revision.commit_hash, sorted(revision.refs), len(revision.files))
"""

class InteropTest(HubTest):
    def setUp(self):
        super().setUp()
        self.repository = self.hub.add("org/name", MODEL)
        self.commit = self.repository.branches["main"]
        self.environment["HF_HUB_DISABLE_TELEMETRY"] = "1"

    def start_python(self, code, *arguments, **environment):
        process = subprocess.Popen([sys.executable, "-W", "ignore", "-c", code, *arguments],
                                   env={**self.environment, **environment}, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(self._end, process)
        return process

    def python(self, code, *arguments, **environment):
        done = self.finish(self.start_python(code, *arguments, **environment))
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.splitlines()

    def snapshot(self, revision="", **environment):
        return self.python(SNAPSHOT, "org/name", revision, " ".join(NEEDED), **environment)[0]

    def start_ours(self):
        return self.start("download", "org/name")

    def start_theirs(self):
        return self.start_python(SNAPSHOT, "org/name", "", " ".join(NEEDED))

    def test_package_alone_gets_right_bytes(self):
        """That the hub of these tests is one that the real client understands."""
        self.assertEqual(self.snapshot(), str(self.cache().snapshot(self.commit)))
        self.assert_downloaded()

    def test_package_finds_what_we_fetched(self):
        ours = self.succeed("download", "org/name").stdout.strip()
        self.hub.forget()
        self.assertEqual(self.snapshot(), ours)
        self.assertEqual(self.python(FILES, "org/name", *NEEDED), [f"{ours}/{name}" for name in NEEDED])
        self.assertEqual(self.hub.bodies, [])

    def test_package_finds_it_offline(self):
        ours = self.succeed("download", "org/name").stdout.strip()
        self.hub.forget()
        self.assertEqual(self.python(FILES, "org/name", *NEEDED, HF_HUB_OFFLINE="1"),
                         [f"{ours}/{name}" for name in NEEDED])
        self.assertEqual(self.snapshot(HF_HUB_OFFLINE="1"), ours)
        self.assertEqual(self.snapshot(self.commit, HF_HUB_OFFLINE="1"), ours)
        self.assertEqual(self.hub.log, [])

    def test_package_lists_what_we_fetched(self):
        self.repository.tags["v1"] = self.commit
        self.succeed("download", "org/name")
        self.succeed("download", "org/name@v1")
        self.assertEqual(self.python(SCAN), [
            "0", f"org/name {self.commit} ['main', 'v1'] {len(NEEDED)}"])

    def test_we_find_what_the_package_fetched(self):
        theirs = self.snapshot()
        self.hub.forget()
        self.assertEqual(self.succeed("download", "org/name").stdout.strip(), theirs)
        self.assertEqual(self.hub.bodies, [])
        offline = self.succeed("download", "org/name", HF_HUB_OFFLINE="1")
        self.assertEqual(offline.stdout.strip(), theirs)
        self.assertIn("org/name", self.succeed("cache", "ls").stdout)
        self.succeed("cache", "verify", "org/name")

    def test_each_adds_what_the_other_lacks(self):
        self.python(FILES, "org/name", "config.json", "model-00002-of-00002.safetensors")
        self.hub.forget()
        self.succeed("download", "org/name")
        self.assert_downloaded()
        self.assertEqual(len(self.sent()), len(NEEDED) - 2)
        self.hub.forget()
        self.python(FILES, "org/name", "README.md", "config.json")
        self.assertEqual(len(self.sent()), 1)

    def test_package_learns_from_us_what_is_not_there(self):
        self.succeed("download", "org/name")
        self.hub.forget()
        self.assertEqual(self.python(ABSENT, "org/name", *NOT_THERE), ["True"] * len(NOT_THERE))
        self.assertEqual(self.python(ABSENT, "org/name", "README.md"), ["False"])
        self.assertEqual(self.hub.log, [])

    def test_we_learn_from_the_package_what_is_not_there(self):
        self.python(FILES, "org/name", *NEEDED)
        self.python(ASK_IN_VAIN, "org/name", *NOT_THERE)
        self.hub.forget()
        self.succeed("download", f"org/name@{self.commit}")
        self.assertEqual(self.hub.log, [])  # nothing is left to ask

    def test_a_branch_that_moved_on(self):
        self.succeed("download", "org/name")
        newer = {**MODEL, "config.json": b'{"new": 1}\n'}
        self.repository.commit(newer)
        self.hub.forget()
        self.snapshot()
        self.assertEqual(len(self.sent()), 1)
        self.succeed("download", "org/name")
        self.assertEqual(len(self.sent()), 1)
        self.assert_downloaded({name: newer[name] for name in NEEDED})

    def test_both_at_once(self):
        # Neither goes on before both have asked what there is.
        holds = [self.hub.faults.add("hold", path="/api/models/org/name", at=None) for _ in range(2)]
        processes = [self.start_ours(), self.start_theirs()]
        for fault, process in zip(holds, processes):
            reached_or_ended(fault, process)
        self.hub.faults.clear()
        done = [self.finish(process) for process in processes]
        self.assertEqual([each.returncode for each in done], [0, 0], done)
        self.assertEqual(done[0].stdout, done[1].stdout)
        self.assert_downloaded()
        plain = {etag: size for etag, size in self.sent().items() if len(etag) == 64}
        tree = self.repository.commits[self.commit]
        self.assertEqual(plain, {tree[name].etag: len(data) for name, data in NEEDED.items()
                                 if tree[name].lfs})

    def one_waits_for_the_other(self, first, second):
        """`second` starts while `first` has a part of a file of weights: that is sent once."""
        etag = self.repository.commits[self.commit][SHARD].etag
        fault = self.hub.faults.add("hold", host="cdn", path=etag, at=100_000)
        one = first()
        self.assertTrue(reached_or_ended(fault, one))
        asked = self.hub.faults.add("hold", path="/api/models/org/name")
        other = second()
        self.assertTrue(reached_or_ended(asked, other))
        self.hub.faults.clear()
        done = [self.finish(one), self.finish(other)]
        self.assertEqual([each.returncode for each in done], [0, 0], done)
        self.assert_downloaded()
        self.assertEqual(self.sent()[etag], len(MODEL[SHARD]))

    def test_package_waits_for_our_lock(self):
        self.one_waits_for_the_other(self.start_ours, self.start_theirs)

    def test_we_wait_for_the_packages_lock(self):
        self.one_waits_for_the_other(self.start_theirs, self.start_ours)


if __name__ == "__main__":
    unittest.main()
