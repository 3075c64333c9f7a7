"""xlstm download when the network or the hub does what it should not: right bytes, or a clear error."""

import unittest

from support import NEEDED, SHARD, HubTest

SIZE = len(NEEDED[SHARD])
SMALL = {"config.json": b"{}", "tokenizer.json": b"{}" * 600, "model.safetensors": NEEDED[SHARD]}


class FaultsTest(HubTest):
    def setUp(self):
        super().setUp()
        repository = self.hub.add("org/name", SMALL)
        self.etag = repository.commits[repository.branches["main"]]["model.safetensors"].etag

    def transfers(self):
        """(start, bytes sent) of each answer that had the weights' bytes."""
        return [(request.start, request.sent) for request in self.hub.bodies if request.file == self.etag]

    def download(self):
        self.succeed("download", "org/name")
        self.assert_downloaded(SMALL)

    def test_truncated_body_goes_on_where_it_stopped(self):
        self.hub.faults.add("truncate", host="cdn", at=100_000)
        self.download()
        self.assertEqual(self.transfers(), [(0, 100_000), (100_000, SIZE - 100_000)])

    def test_reset_connections(self):
        # How much of what was sent before a reset arrives is the network's affair.
        self.hub.faults.add("reset", host="cdn", at=300_000, times=3)
        self.download()
        self.assertEqual(len(self.transfers()), 4)
        self.hub.faults.add("reset", path="resolve-cache.*tokenizer", at=10)
        self.succeed("download", "org/name", "--force")
        self.assert_downloaded(SMALL)

    def test_connections_closed_without_an_answer(self):
        for path in ("/api/models/", "/resolve/", "resolve-cache"):
            self.hub.faults.add("drop", path=path)
        self.hub.faults.add("drop", host="cdn")
        self.download()

    def test_corrupted_bytes_are_fetched_anew(self):
        self.hub.faults.add("corrupt", host="cdn", at=777_777)
        self.download()
        self.assertEqual(self.transfers(), [(0, SIZE), (0, SIZE)])

    def test_corrupted_small_file(self):
        self.hub.faults.add("corrupt", path="resolve-cache.*config.json", method="GET", at=1)
        self.download()

    def test_bytes_that_are_always_wrong(self):
        self.hub.faults.add("corrupt", host="cdn", at=5, times=-1)
        done = self.run_program("download", "org/name")
        self.assertNotEqual(done.returncode, 0)
        self.assert_error(done, ["model.safetensors", self.etag[:8]])
        self.assertNotIn(self.etag, self.cache().blobs())
        self.assertEqual(self.cache().faults(), [])
        self.hub.faults.clear()
        self.download()

    def test_too_many_requests_and_errors_of_the_server(self):
        self.hub.faults.add("status", path="/api/models/", status=429, headers={"Retry-After": "0"}, times=2)
        self.hub.faults.add("status", path="/resolve/.*model", status=503, headers={"Retry-After": "0"})
        self.hub.faults.add("status", host="cdn", status=500)
        self.hub.faults.add("status", host="cdn", status=429, headers={"Retry-After": "0"})
        self.download()
        self.assertEqual(self.transfers(), [(0, SIZE)])

    def test_server_that_asks_for_too_long_a_pause(self):
        self.hub.faults.add("status", path="/api/models/", status=429, headers={"Retry-After": "3600"})
        done = self.run_program("download", "org/name")
        self.assertNotEqual(done.returncode, 0)
        self.assert_error(done, ["429", "3600 s"])

    def test_server_that_never_recovers(self):
        self.hub.faults.add("status", host="cdn", status=404, times=-1)
        done = self.run_program("download", "org/name")
        self.assertNotEqual(done.returncode, 0)
        self.assert_error(done, ["404"])
        self.assertEqual(self.cache().faults(), [])

    def interrupted(self, at=500_000):
        """A download that got `at` bytes of the weights."""
        self.hub.faults.add("truncate", host="cdn", at=at)
        self.hub.faults.add("status", host="cdn", status=404, times=-1)
        self.assertNotEqual(self.run_program("download", "org/name").returncode, 0)
        self.hub.faults.clear()
        self.hub.forget()
        self.assertEqual({etag: len(data) for etag, data in self.cache().incomplete().items()},
                         {self.etag: at})

    def test_body_that_stalls_times_out_and_is_resumed(self):
        self.hub.faults.add("hold", host="cdn", at=500_000)
        self.succeed("download", "org/name", HF_HUB_DOWNLOAD_TIMEOUT="1")
        self.assert_downloaded(SMALL)
        self.assertEqual(self.transfers(), [(0, 500_000), (500_000, SIZE - 500_000)])

    def test_goes_on_in_another_process(self):
        self.interrupted()
        self.download()
        self.assertEqual(self.transfers(), [(500_000, SIZE - 500_000)])

    def test_range_that_is_ignored(self):
        self.interrupted()
        self.hub.faults.add("ignore_range", host="cdn")
        self.download()
        self.assertEqual(self.transfers()[-1][0], 0)

    def test_range_that_is_another(self):
        self.interrupted()
        self.hub.faults.add("wrong_range", host="cdn", at=1000)
        self.download()

    def test_file_that_changed_under_resume(self):
        self.interrupted()
        self.hub.faults.add("changed", host="cdn")
        self.download()

    def test_incomplete_file_with_wrong_bytes(self):
        self.interrupted()
        part = next((self.cache().folder / "blobs").glob("*.incomplete"))
        part.write_bytes(b"?" * 500_000)
        self.download()

    def test_incomplete_file_that_is_too_long(self):
        self.interrupted()
        part = next((self.cache().folder / "blobs").glob("*.incomplete"))
        part.write_bytes(NEEDED[SHARD] + b"more")
        self.download()

    def test_incomplete_file_that_has_all_bytes(self):
        self.interrupted()
        part = next((self.cache().folder / "blobs").glob("*.incomplete"))
        part.write_bytes(NEEDED[SHARD])
        self.download()
        self.assertEqual(self.transfers(), [])

    def test_redirects_in_a_circle(self):
        self.hub.faults.add("loop", path="/resolve/.*model", times=-1)
        done = self.run_program("download", "org/name")
        self.assertNotEqual(done.returncode, 0)
        self.assert_error(done, ["redirect"])

    def test_pages_of_somebody_else(self):
        for path, method in (("/api/models/", "GET"), ("/resolve/", "HEAD")):
            with self.subTest(path):
                self.hub.faults.add("html", path=path, times=-1)
                done = self.run_program("download", "org/name")
                self.assertNotEqual(done.returncode, 0)
                self.assert_error(done, [self.hub.url.removeprefix("http://")])
                self.assertEqual(self.cache().blobs(), {})
                self.hub.faults.clear()

    def test_page_in_place_of_weights(self):
        self.hub.faults.add("html", host="cdn")
        self.download()


if __name__ == "__main__":
    unittest.main()
