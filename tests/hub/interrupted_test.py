"""xlstm download that is killed, interrupted, or runs twice at once."""

import random
import shutil
import signal
import time
import unittest

from repository import random_bytes
from support import NEEDED, HubTest, reached_or_ended

KILLS = 100
SEED = 13
FILES = {
    "config.json": b"{}" * 50,
    "tokenizer.json": random_bytes(30_000, 1),
    "model.safetensors.index.json": b'{"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}',
    "model-1.safetensors": random_bytes(300_000, 2),
    "model-2.safetensors": random_bytes(170_001, 3),
}


class KilledTest(HubTest):
    """kill -9 at random points: before an answer, within a body, and right behind its last byte, where the
    process checks, renames and links."""

    def setUp(self):
        super().setUp()
        self.random = random.Random(SEED)
        repository = self.hub.add("org/name", FILES)
        tree = repository.commits[repository.branches["main"]]
        self.paths = {file.etag: path for path, file in tree.items()}
        self.etags = {path: file.etag for path, file in tree.items()}

    def fault(self):
        """Where the next process stops; and whether it is let go on at the moment when it is killed."""
        where = self.random.choice(("request", "body", "end"))
        if where == "request":
            return self.hub.faults.add("hold", skip=self.random.randrange(12)), False
        path = self.random.choice(sorted(FILES))
        size = len(FILES[path])
        at = self.random.randrange(size) if where == "body" else size
        address = f"/{self.etags[path]}" if path.endswith(".safetensors") else f"resolve-cache.*/{path}"
        return self.hub.faults.add("hold", method="GET", path=address, at=at), where == "end"

    def check_cache(self):
        cache = self.cache()
        self.assertEqual(cache.faults(), [])
        for etag, data in cache.incomplete().items():
            self.assertTrue(FILES[self.paths[etag]].startswith(data), f"{self.paths[etag]} has other bytes")

    def check_nothing_is_fetched_twice(self, before):
        """What was incomplete `before` went on at its end, or had all its bytes."""
        for request in self.hub.bodies:
            self.assertEqual(request.start, len(before.get(request.file, b"")), self.paths[request.file])

    def test_killed_at_random_points(self):
        kills, resumed, ended = 0, 0, 0
        while kills < KILLS:
            before = self.cache().incomplete()
            self.hub.forget()
            fault, race = self.fault()
            process = self.start("download", "org/name")
            if reached_or_ended(fault, process):
                if race:
                    fault.release()
                    # Up to a millisecond of its work behind the last byte.
                    until = time.perf_counter() + self.random.random() / 1000
                    while time.perf_counter() < until:
                        pass
                process.kill()
                kills += 1
            self.hub.faults.clear()
            done = self.finish(process)
            self.hub.settle()
            resumed += any(request.start for request in self.hub.bodies)
            self.check_nothing_is_fetched_twice(before)
            self.check_cache()
            if done.returncode == 0:
                self.assert_downloaded(FILES)
                ended += 1
                shutil.rmtree(self.cache_folder)
        self.succeed("download", "org/name")
        self.assert_downloaded(FILES)
        # The points are not all of one kind: processes went on behind earlier ones, and some ended.
        self.assertGreater(resumed, KILLS // 20)
        self.assertGreater(ended, 0)


class InterruptedTest(HubTest):
    def test_signals_end_it_in_good_order_and_it_goes_on_later(self):
        self.hub.add("org/name", NEEDED)
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number.name):
                shutil.rmtree(self.cache_folder, ignore_errors=True)
                fault = self.hub.faults.add("hold", host="cdn", at=200_000)
                process = self.start("download", "org/name")
                self.assertTrue(reached_or_ended(fault, process))
                process.send_signal(number)
                done = self.finish(process)
                self.assertEqual(done.returncode, 128 + number, done.stderr)
                self.assertEqual(done.stdout, "")
                self.assertIn("what was fetched is kept", done.stderr)
                self.hub.faults.clear()
                self.hub.settle()
                before = self.cache().incomplete()
                self.assertEqual(self.cache().faults(), [])
                self.hub.forget()
                self.succeed("download", "org/name")
                self.assert_downloaded()
                for request in self.hub.bodies:
                    self.assertEqual(request.start, len(before.get(request.file, b"")))


class TogetherTest(HubTest):
    def test_two_processes_fetch_each_file_once(self):
        repository = self.hub.add("org/name", NEEDED)
        # Neither gets a body before both have asked what there is.
        first = self.hub.faults.add("hold", path="/api/models/org/name", at=None)
        second = self.hub.faults.add("hold", path="/api/models/org/name", at=None)
        processes = [self.start("download", "org/name") for _ in range(2)]
        for fault, process in zip((first, second), processes):
            reached_or_ended(fault, process)
        self.hub.faults.clear()
        done = [self.finish(process) for process in processes]
        self.assertEqual([each.returncode for each in done], [0, 0], done)
        self.assertEqual(done[0].stdout, done[1].stdout)
        self.assert_downloaded()
        tree = repository.commits[repository.branches["main"]]
        plain = {etag: size for etag, size in self.sent().items() if len(etag) == 64}  # not compressed
        self.assertEqual(plain, {file.etag: len(file.data) for file in tree.values() if file.lfs})
        self.assertEqual(len(self.hub.bodies), len(NEEDED))

    def test_removing_while_it_is_fetched(self):
        self.hub.add("org/name", NEEDED)
        fault = self.hub.faults.add("hold", host="cdn", at=200_000)
        process = self.start("download", "org/name")
        self.assertTrue(reached_or_ended(fault, process))
        self.run_program("cache", "rm", "org/name", "--yes")
        self.hub.faults.clear()
        self.finish(process)  # whichever of the two won, nothing wrong stays
        self.assertEqual(self.cache().faults(), [])
        self.succeed("download", "org/name")
        self.assert_downloaded()


if __name__ == "__main__":
    unittest.main()
