"""The hub of these tests itself: that what tests rely on is what it does."""

import gzip
import http.client
import json
import unittest
import urllib.parse

from repository import git_blob_id
from server import HubServer

WEIGHTS = bytes(range(256)) * 400
FILES = {"config.json": b'{"a": 1}', "tokenizer.json": b"{}" * 2000, "a/model.safetensors": WEIGHTS}


class ServerTest(unittest.TestCase):
    def setUp(self):
        self.hub = HubServer()
        self.addCleanup(self.hub.close)
        self.repository = self.hub.add("org/name", FILES, card={"license": "mit"})

    def ask(self, path, method="GET", **headers):
        """(status, headers, body) of one request; `path` may be a whole address."""
        address = urllib.parse.urlsplit(urllib.parse.urljoin(self.hub.url, path))
        connection = http.client.HTTPConnection(address.netloc, timeout=30)
        self.addCleanup(connection.close)
        connection.request(method, address._replace(scheme="", netloc="").geturl(), headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()

    def api(self, path, **headers):
        status, _, body = self.ask(path, **headers)
        return status, json.loads(body)

    def weights_address(self):
        return self.ask("/org/name/resolve/main/a/model.safetensors", "HEAD")[1]["Location"]

    def test_information(self):
        status, info = self.api("/api/models/org/name/revision/main?blobs=true")
        self.assertEqual((status, info["sha"]), (200, self.repository.branches["main"]))
        self.assertEqual(info["cardData"]["license"], "mit")
        files = {file["rfilename"]: file for file in info["siblings"]}
        self.assertEqual(files["config.json"]["blobId"], git_blob_id(FILES["config.json"]))
        self.assertEqual(files["a/model.safetensors"]["lfs"]["size"], len(WEIGHTS))
        self.assertNotIn("size", self.api("/api/models/org/name")[1]["siblings"][0])

    def test_tree_in_pages(self):
        self.hub.page_size = 3
        status, headers, body = self.ask("/api/models/org/name/tree/main?recursive=true")
        address = headers["Link"].partition("<")[2].partition(">")[0]
        rest = self.ask(address)
        self.assertIsNone(rest[1]["Link"])
        entries = json.loads(body) + json.loads(rest[2])
        self.assertEqual([(entry["type"], entry["path"]) for entry in entries], [
            ("directory", "a"), ("file", "a/model.safetensors"), ("file", "config.json"),
            ("file", "tokenizer.json")])

    def test_small_file_by_a_relative_redirect(self):
        status, headers, _ = self.ask("/org/name/resolve/main/config.json", "HEAD")
        etag = f'"{git_blob_id(FILES["config.json"])}"'
        self.assertEqual((status, headers["X-Linked-ETag"]), (307, etag))
        self.assertTrue(headers["Location"].startswith("/api/resolve-cache/models/org/name/"))
        status, headers, body = self.ask(headers["Location"])
        self.assertEqual((status, headers["ETag"], body), (200, etag, FILES["config.json"]))
        self.assertEqual(headers["X-Repo-Commit"], self.repository.branches["main"])

    def test_text_is_compressed_where_that_is_taken(self):
        address = self.ask("/org/name/resolve/main/tokenizer.json", "HEAD")[1]["Location"]
        status, headers, body = self.ask(address, **{"Accept-Encoding": "gzip, br"})
        self.assertEqual(headers["Content-Encoding"], "gzip")
        self.assertEqual(gzip.decompress(body), FILES["tokenizer.json"])
        self.assertEqual(self.ask(address)[2], FILES["tokenizer.json"])

    def test_weights_of_the_second_host_in_ranges(self):
        status, headers, _ = self.ask("/org/name/resolve/main/a/model.safetensors")
        self.assertEqual((status, headers["X-Linked-Size"]), (302, str(len(WEIGHTS))))
        address = headers["Location"]
        self.assertNotEqual(urllib.parse.urlsplit(address).hostname, "127.0.0.1")
        self.assertEqual(self.ask(address)[2], WEIGHTS)
        status, headers, body = self.ask(address, Range="bytes=100-")
        self.assertEqual((status, body), (206, WEIGHTS[100:]))
        self.assertEqual(headers["Content-Range"], f"bytes 100-{len(WEIGHTS) - 1}/{len(WEIGHTS)}")
        self.assertEqual(self.ask(address, Range="bytes=5-9")[2], WEIGHTS[5:10])
        self.assertEqual(self.ask(address, Range="bytes=5-", **{"If-Range": '"other"'})[0], 200)
        self.assertEqual(self.ask(address, Range=f"bytes={len(WEIGHTS)}-")[0], 416)
        self.assertEqual([request.start for request in self.hub.bodies], [0, 100, 5, 0])

    def test_second_host_refuses_tokens_and_other_signatures(self):
        address = self.weights_address()
        self.assertEqual(self.ask(address, Authorization="Bearer hf_x")[0], 400)
        self.assertEqual(self.ask(address[:-1] + "!")[0], 403)

    def code(self, path, **headers):
        status, headers, _ = self.ask(path, "HEAD", **headers)
        return status, headers["X-Error-Code"]

    def test_errors(self):
        self.hub.add("org/gated", FILES, gated="auto", readers={"hf_reader"})
        self.hub.add("org/private", FILES, private=True, readers={"hf_reader"})
        self.hub.tokens.add("hf_other")
        reader, other = {"Authorization": "Bearer hf_reader"}, {"Authorization": "Bearer hf_other"}
        self.assertEqual(self.code("/api/models/org/none"), (401, "RepoNotFound"))
        self.assertEqual(self.code("/api/models/org/none", **other), (404, "RepoNotFound"))
        self.assertEqual(self.code("/api/models/org/name", Authorization="Bearer hf_no"), (401, None))
        self.assertEqual(self.code("/org/private/resolve/main/config.json", **other), (404, "RepoNotFound"))
        self.assertEqual(self.code("/org/private/resolve/main/config.json", **reader)[0], 307)
        self.assertEqual(self.code("/org/name/resolve/v9/config.json"), (404, "RevisionNotFound"))
        self.assertEqual(self.code("/org/name/resolve/main/none"), (404, "EntryNotFound"))
        self.assertEqual(self.code("/org/gated/resolve/main/config.json"), (401, "GatedRepo"))
        self.assertEqual(self.code("/org/gated/resolve/main/config.json", **other), (403, "GatedRepo"))
        self.assertEqual(self.code("/org/gated/resolve/main/config.json", **reader)[0], 307)
        self.assertEqual(self.code("/api/models/org/gated")[0], 200)

    def test_revisions(self):
        old = self.repository.branches["main"]
        self.repository.tags["v1"] = old
        new = self.repository.commit({**FILES, "config.json": b"{}"}, branch="side/branch")
        for revision, commit in (("v1", old), (old, old), (old[:8], old), ("side%2Fbranch", new),
                                 ("refs%2Fheads%2Fmain", old)):
            self.assertEqual(self.api(f"/api/models/org/name/revision/{revision}")[1]["sha"], commit)
        refs = self.api("/api/models/org/name/refs")[1]
        self.assertEqual({row["name"]: row["targetCommit"] for row in refs["branches"]},
                         {"main": old, "side/branch": new})

    def test_renamed(self):
        self.hub.renamed["org/old"] = "org/name"
        for path in ("/api/models/org/old", "/org/old/resolve/main/config.json"):
            status, headers, _ = self.ask(path)
            self.assertEqual((status, headers["Location"]), (307, path.replace("old", "name")))

    def test_faults(self):
        address = self.weights_address()
        self.hub.faults.add("truncate", host="cdn", at=1000)
        with self.assertRaises(http.client.IncompleteRead) as caught:
            self.ask(address)
        self.assertEqual(caught.exception.partial, WEIGHTS[:1000])
        self.hub.faults.add("reset", host="cdn", at=1000)
        self.assertRaises((ConnectionResetError, http.client.IncompleteRead), self.ask, address)
        self.hub.faults.add("drop", host="cdn")
        self.assertRaises((ConnectionResetError, http.client.RemoteDisconnected), self.ask, address)
        self.hub.faults.add("status", host="cdn", status=429, headers={"Retry-After": "7"}, times=2)
        for _ in range(2):
            status, headers, _ = self.ask(address)
            self.assertEqual((status, headers["Retry-After"]), (429, "7"))
        self.hub.faults.add("corrupt", host="cdn", at=3)
        self.assertEqual(self.ask(address)[2], WEIGHTS[:3] + b"\xfc" + WEIGHTS[4:])
        self.hub.faults.add("ignore_range", host="cdn", skip=1)
        self.assertEqual(self.ask(address, Range="bytes=9-")[0], 206)
        self.assertEqual(self.ask(address, Range="bytes=9-")[0], 200)
        self.hub.faults.add("wrong_range", host="cdn", at=5)
        status, headers, body = self.ask(address, Range="bytes=9-")
        self.assertEqual((headers["Content-Range"].split("-")[0], body), ("bytes 4", WEIGHTS[4:]))
        etag = self.ask(address, "HEAD")[1]["ETag"]
        self.hub.faults.add("changed", host="cdn")
        status, headers, body = self.ask(address)
        self.assertEqual((len(body), body == WEIGHTS, headers["ETag"] == etag), (len(WEIGHTS), False, False))
        self.assertEqual(self.ask(address)[2], WEIGHTS)

    def test_hold_stops_until_it_is_let_go(self):
        fault = self.hub.faults.add("hold", host="cdn", at=1000)
        address = urllib.parse.urlsplit(self.weights_address())
        connection = http.client.HTTPConnection(address.netloc, timeout=30)
        self.addCleanup(connection.close)
        connection.request("GET", address._replace(scheme="", netloc="").geturl())
        fault.wait()
        self.assertEqual(self.hub.bodies[-1].sent, 1000)
        fault.release()
        self.assertEqual(connection.getresponse().read(), WEIGHTS)

    def test_other_processes_switch_faults_on_and_read_the_log(self):
        body = json.dumps({"kind": "status", "path": "config", "status": 503}).encode()
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(self.hub.url).netloc, timeout=30)
        self.addCleanup(connection.close)
        connection.request("POST", "/_control/faults", body)
        self.assertEqual(connection.getresponse().read(), b"{}")
        self.assertEqual(self.ask("/org/name/resolve/main/config.json")[0], 503)
        log = self.api("/_control/log")[1]
        self.assertEqual([(entry["path"], entry["status"]) for entry in log],
                         [("/org/name/resolve/main/config.json", 503)])
        self.ask("/_control/log", "DELETE")
        self.assertEqual(self.hub.log, [])


if __name__ == "__main__":
    unittest.main()
