"""xlstm cache ls, rm and verify, and models by the names of their repositories."""

import os
import shutil
import unittest

from support import NEEDED, ROOT, SHARD, HubTest

CLASSICS = ROOT / "models/classics-8m"


class CacheTest(HubTest):
    def test_nothing_cached(self):
        self.assertNotIn("org/", self.succeed("cache", "ls").stdout)
        self.refuse(2, ["org/name"], "cache", "rm", "org/name")
        self.succeed("cache", "verify")

    def test_lists_what_is_cached_without_asking_the_hub(self):
        self.hub.add("org/name", NEEDED)
        self.hub.add("org/other", NEEDED)
        self.succeed("download", "org/name")
        self.succeed("download", "org/other")
        self.hub.forget()
        listed = self.succeed("cache", "ls").stdout
        for text in ("org/name", "org/other", "main"):
            self.assertIn(text, listed)
        self.assertEqual(self.hub.log, [])

    def test_removes_a_repository(self):
        self.hub.add("org/name", NEEDED)
        self.hub.add("org/other", NEEDED)
        self.succeed("download", "org/name")
        self.succeed("download", "org/other")
        self.succeed("cache", "rm", "org/name", "--yes")
        self.assertFalse(self.cache().folder.exists())
        self.assert_downloaded(name="org/other")
        self.assertNotIn("org/name", self.succeed("cache", "ls").stdout)

    def test_removes_a_revision_and_keeps_what_others_share(self):
        repository = self.hub.add("org/name", NEEDED)
        old = repository.branches["main"]
        self.succeed("download", "org/name")
        newer = {**NEEDED, "config.json": b'{"new": 1}'}
        repository.commit(newer)
        self.succeed("download", "org/name")
        self.succeed("cache", "rm", f"org/name@{old}", "--yes")
        self.assertEqual([path.name for path in (self.cache().folder / "snapshots").iterdir()],
                         [repository.branches["main"]])
        self.assert_downloaded(newer)
        self.assertEqual(len(self.cache().blobs()), len(newer))

    def test_removes_all_revisions_one_by_one(self):
        repository = self.hub.add("org/name", NEEDED)
        old = repository.branches["main"]
        self.succeed("download", "org/name")
        new = repository.commit({**NEEDED, "config.json": b'{"new": 1}'})
        self.succeed("download", "org/name")
        done = self.succeed("cache", "rm", f"org/name@{old}", f"hf://org/name@{new}", "org/name@main", "--yes")
        self.assertEqual(len(done.stdout.splitlines()), 2, done.stdout)
        self.assertEqual(self.succeed("cache", "ls").stdout, "")
        self.assertFalse(self.cache().folder.exists())

    def test_links_that_are_made_anew_are_no_download(self):
        self.hub.add("org/name", NEEDED)
        first = self.succeed("download", "org/name")
        self.assertIn("fetching", first.stderr)
        shutil.rmtree(self.cache().snapshot())
        again = self.succeed("download", "org/name")
        self.assertNotIn("fetching", again.stderr)
        self.assert_downloaded()

    def test_verify_reads_every_byte(self):
        self.hub.add("org/name", NEEDED)
        self.succeed("download", "org/name")
        self.succeed("cache", "verify")
        blob = (self.cache().snapshot() / SHARD).resolve()
        data = bytearray(blob.read_bytes())
        data[-1] ^= 1
        blob.write_bytes(data)
        done = self.run_program("cache", "verify")
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn(blob.name, done.stdout + done.stderr)
        self.assertEqual(self.run_program("cache", "verify", "org/name").returncode, 3)
        self.succeed("download", "org/name", "--force")
        self.succeed("cache", "verify", "org/name")

    def test_verify_follows_links(self):
        self.hub.add("org/name", NEEDED)
        self.succeed("download", "org/name")
        (self.cache().snapshot() / "config.json").resolve().unlink()
        done = self.run_program("cache", "verify")
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("config.json", done.stdout + done.stderr)


class ModelTest(HubTest):
    """Commands take org/name where they take a model's folder."""

    arguments = ("--prompt", "The captain looked at the sea, and", "--max-tokens", "24", "--temperature", "0")

    def test_text_is_that_of_the_folder(self):
        self.hub.add("org/classics", CLASSICS, card={"license": "cc0-1.0"})
        wanted = self.succeed("generate", "--model", CLASSICS, *self.arguments)
        self.assertGreater(len(wanted.stdout), 40)
        fetched = self.succeed("generate", "--model", "org/classics", *self.arguments)
        self.assertEqual(fetched.stdout, wanted.stdout)
        self.assertIn("cc0-1.0", fetched.stderr)
        self.hub.forget()
        again = self.succeed("generate", "--model", "hf://org/classics@main", *self.arguments)
        self.assertEqual(again.stdout, wanted.stdout)
        self.assertEqual(self.hub.bodies, [])
        offline = self.succeed("generate", "--model", "org/classics", *self.arguments, HF_HUB_OFFLINE="1")
        self.assertEqual(offline.stdout, wanted.stdout)

    def test_every_command_that_takes_a_model(self):
        self.hub.add("org/classics", CLASSICS)
        self.succeed("download", "org/classics")
        text = self.home / "text"
        text.write_text("It was a dark and stormy night; the rain fell in torrents.")
        for command in (
            ("info", "--model", "MODEL", "--json"),
            ("wiring", "--model", "MODEL"),
            ("tokenize", "--file", text, "--tokenizer", "MODEL"),
            ("perplexity", "--file", text, "--model", "MODEL"),
            ("convert", "MODEL", self.home / "copy", "--dtype", "float32"),
        ):
            with self.subTest(command[0]):
                named = [word if word != "MODEL" else "org/classics" for word in command]
                self.succeed(*named, HF_HUB_OFFLINE="1")
        converted = self.succeed("generate", "--model", self.home / "copy", *self.arguments)
        self.assertGreater(len(converted.stdout), 40)

    def test_folder_of_that_name_comes_first(self):
        where = self.home / "here"
        shutil.copytree(CLASSICS, where / "org/classics")
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(where)
        self.succeed("info", "--model", "org/classics")
        self.assertEqual(self.hub.log, [])

    def test_name_of_nothing(self):
        done = self.run_program("generate", "--model", "org/none", *self.arguments)
        self.assertEqual(done.returncode, 3)
        self.assert_error(done, ["org/none"])
        self.assertEqual(done.stdout, "")


if __name__ == "__main__":
    unittest.main()
