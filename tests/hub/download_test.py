"""xlstm download: what it fetches, where it puts it, which repository and revision it takes."""

import json
import os
import pty
import stat
import subprocess
import unittest

from server import CERTIFICATE
from support import MODEL, NEEDED, PROGRAM, SHARD, HubTest


class DownloadTest(HubTest):
    def test_fetches_what_is_needed_in_one_format_of_weights(self):
        repository = self.hub.add("org/name", MODEL, card={"license": "apache-2.0"})
        done = self.succeed("download", "org/name")
        self.assert_downloaded()
        commit = repository.branches["main"]
        self.assertEqual(done.stdout, f"{self.cache().snapshot(commit)}\n")
        asked = {request.file for request in self.hub.bodies}
        self.assertEqual(asked, {repository.commits[commit][path].etag for path in NEEDED})

    def test_lays_the_cache_out_as_the_hubs_client_does(self):
        files = {**NEEDED, "LICENSE": b"text"}
        repository = self.hub.add("org/name", files)
        self.succeed("download", "org/name")
        cache, commit = self.cache(), repository.branches["main"]
        self.assertEqual(cache.ref(), commit)  # 40 digits, no line's end
        tag = (self.cache_folder / "CACHEDIR.TAG").read_bytes()
        self.assertTrue(tag.startswith(b"Signature: 8a477f597d28d172789f06886806bc55"))
        for path in NEEDED:
            link = cache.snapshot() / path
            etag = repository.commits[commit][path].etag
            self.assertEqual(os.readlink(link), f"../../blobs/{etag}")
            mode = stat.S_IMODE(link.stat().st_mode)
            umask = os.umask(0)
            os.umask(umask)
            self.assertEqual(mode, 0o666 & ~umask)
        self.assertTrue((self.cache_folder / ".locks/models--org--name").is_dir())

    def test_second_time_nothing_is_sent(self):
        self.hub.add("org/name", MODEL)
        first = self.succeed("download", "org/name")
        self.hub.forget()
        self.assertEqual(self.succeed("download", "org/name").stdout, first.stdout)
        self.assertEqual(self.hub.bodies, [])

    def test_one_file_of_weights_and_no_index(self):
        files = {"config.json": b"{}", "tokenizer.json": b"{}", "model.safetensors": b"w" * 1000}
        self.hub.add("org/name", {**files, "pytorch_model.bin": b"t" * 1000})
        self.succeed("download", "org/name")
        self.assert_downloaded(files)

    def test_names_of_repositories(self):
        self.hub.add("org/name", NEEDED)
        first = self.succeed("download", "hf://org/name").stdout
        self.assertEqual(self.succeed("download", "org/name@main").stdout, first)
        self.refuse(2, ["download"], "download", "org/na me")
        self.refuse(2, ["download"], "download", "../name")

    def test_revision_by_branch_tag_and_commit(self):
        repository = self.hub.add("org/name", NEEDED)
        old = repository.branches["main"]
        repository.tags["v1.0"] = old
        newer = {**NEEDED, "config.json": b'{"new": true}\n'}
        repository.commit(newer)
        repository.commit({**NEEDED, "config.json": b'{"side": true}\n'}, branch="side/branch")
        for revision in ("v1.0", old):
            self.succeed("download", f"org/name@{revision}")
            self.assert_downloaded(commit=old)
        self.assertFalse((self.cache().folder / "refs/main").exists())
        self.assertEqual(self.cache().ref("v1.0"), old)
        self.succeed("download", "org/name@side/branch")
        self.assertEqual(self.cache().ref("side/branch"), repository.branches["side/branch"])
        self.hub.forget()
        self.succeed("download", "org/name", "--revision", "main")
        self.assert_downloaded(newer)
        config = repository.commits[repository.branches["main"]]["config.json"]
        self.assertEqual(list(self.sent()), [config.etag])  # the others' blobs were there

    def test_branch_that_moved_on(self):
        repository = self.hub.add("org/name", NEEDED)
        self.succeed("download", "org/name")
        old = repository.branches["main"]
        new = repository.commit({**NEEDED, SHARD: b"other weights" * 1000})
        self.succeed("download", "org/name")
        self.assertEqual(self.cache().ref(), new)
        self.assert_downloaded({**NEEDED, SHARD: b"other weights" * 1000})
        self.assert_downloaded(commit=old)

    def test_unknown_revision_repository_and_weights(self):
        self.hub.add("org/name", NEEDED)
        self.hub.add("org/empty", {"README.md": b"nothing"})
        self.refuse(3, ["org/name", "v9"], "download", "org/name@v9")
        self.refuse(3, ["org/none"], "download", "org/none")
        self.refuse(3, ["org/empty", "weights"], "download", "org/empty")
        self.assertEqual(list(self.cache_folder.glob("models--org--none/snapshots/*")), [])

    def test_renamed_repository(self):
        self.hub.add("org/new", NEEDED)
        self.hub.renamed["org/old"] = "org/new"
        done = self.succeed("download", "org/old")
        self.assertIn("org/new", done.stderr)
        self.assertEqual(self.succeed("download", "org/old").stdout, done.stdout)

    def test_force_fetches_again(self):
        self.hub.add("org/name", NEEDED)
        self.succeed("download", "org/name")
        self.hub.forget()
        self.succeed("download", "org/name", "--force")
        self.assertEqual(len(self.sent()), len(NEEDED))
        self.assert_downloaded()

    def test_licence_is_shown_at_the_first_download(self):
        self.hub.add("org/name", NEEDED, card={
            "license": "other", "license_name": "nxai-community", "license_link": "LICENSE"})
        self.assertIn("nxai-community", self.succeed("download", "org/name").stderr)
        self.assertNotIn("nxai-community", self.succeed("download", "org/name").stderr)

    def test_folders_that_the_environment_names(self):
        self.hub.add("org/name", NEEDED)
        where = self.home / "elsewhere"
        done = self.succeed("download", "org/name", HF_HUB_CACHE=str(where))
        self.assertTrue(done.stdout.startswith(f"{where}/models--org--name/snapshots/"), done.stdout)
        done = self.succeed("download", "org/name", HF_HOME=None)
        default = self.home / ".cache/huggingface/hub"
        self.assertTrue(done.stdout.startswith(f"{default}/models--org--name/"), done.stdout)
        done = self.succeed("download", "org/name", HF_HOME=None, XDG_CACHE_HOME=str(self.home / "x"))
        self.assertTrue(done.stdout.startswith(f"{self.home}/x/huggingface/hub/"), done.stdout)

    def test_options(self):
        self.hub.add("org/name", NEEDED)
        where = self.home / "elsewhere"
        done = self.succeed("download", "org/name", "--cache-dir", where, "--quiet", "--json")
        self.assertEqual(done.stderr, "")
        told = json.loads(done.stdout)
        commit = self.hub.repositories["org/name"].branches["main"]
        self.assertEqual(told, {"repository": "org/name", "commit": commit, "folder": str(
            where / "models--org--name/snapshots" / commit)})
        self.assertFalse(self.cache_folder.exists())
        self.refuse(2, ["revision"], "download", "org/name@main", "--revision", "v1")
        self.refuse(2, ["endpoint"], "download", "org/name", HF_ENDPOINT="ftp://hub")

    def test_endpoint_that_ends_with_a_slash(self):
        self.hub.add("org/name", NEEDED)
        self.succeed("download", "org/name", HF_ENDPOINT=self.hub.url + "/")
        self.assert_downloaded()

    def test_long_trees_come_in_pages(self):
        self.hub.page_size = 3
        self.hub.add("org/name", {**MODEL, **{f"logs/{i}.txt": b"%d" % i for i in range(20)}})
        self.succeed("download", "org/name")
        self.assert_downloaded()

    def test_through_a_proxy(self):
        self.hub.add("org/name", NEEDED)
        self.succeed("download", "org/name", HF_ENDPOINT="http://hub.invalid",
                     http_proxy=self.hub.url, no_proxy="localhost")
        self.assert_downloaded()
        hosts = {request.headers["host"] for request in self.hub.log if request.host == "hub"}
        self.assertEqual(hosts, {"hub.invalid"})


class AccessTest(HubTest):
    def test_gated_without_a_token(self):
        self.hub.add("org/name", NEEDED, gated="auto", readers={"hf_reader"})
        done = self.refuse(3, ["org/name", "token"], "download", "org/name")
        self.assertIn("huggingface.co/org/name", done.stderr.replace(self.hub.url, "https://huggingface.co"))
        self.assertEqual(self.hub.bodies, [])

    def test_gated_with_the_token_of_somebody_else(self):
        self.hub.add("org/name", NEEDED, gated="manual", readers={"hf_reader"})
        self.hub.tokens.add("hf_other")
        done = self.refuse(3, ["org/name"], "download", "org/name", HF_TOKEN="hf_other")
        self.assertNotIn("hf_other", done.stderr)

    def test_gated_with_a_token_of_the_environment(self):
        self.hub.add("org/name", NEEDED, gated="auto", readers={"hf_reader"})
        self.succeed("download", "org/name", HF_TOKEN="hf_reader")
        self.assert_downloaded()
        sent = {request.headers.get("authorization") for request in self.hub.log if request.host == "hub"}
        self.assertEqual(sent, {"Bearer hf_reader"})
        self.assertTrue(any(request.host == "cdn" for request in self.hub.log))

    def test_tokens_in_files(self):
        self.hub.add("org/name", NEEDED, gated="auto", readers={"hf_reader"})
        (self.home / "hf").mkdir()
        (self.home / "hf/token").write_text("hf_reader\n")
        self.succeed("download", "org/name")
        other = self.home / "token"
        other.write_text("hf_reader")
        (self.home / "hf/token").unlink()
        self.succeed("download", "org/name", "--force", HF_TOKEN_PATH=str(other))
        self.assert_downloaded()

    def test_token_that_is_not_valid(self):
        self.hub.add("org/name", NEEDED)
        done = self.refuse(3, ["token"], "download", "org/name", HF_TOKEN="hf_wrong")
        self.assertNotIn("hf_wrong", done.stderr)

    def test_private_repository(self):
        self.hub.add("org/name", NEEDED, private=True, readers={"hf_reader"})
        self.refuse(3, ["org/name", "token"], "download", "org/name")
        self.succeed("download", "org/name", HF_TOKEN="hf_reader")
        self.assert_downloaded()


class OtherPortTest(HubTest):
    """The second host has the hub's name and another port: another origin all the same."""

    options = {"cdn_host": "127.0.0.1"}

    def test_token_stays_at_the_hub(self):
        self.hub.add("org/name", NEEDED, gated="auto", readers={"hf_reader"})
        self.succeed("download", "org/name", HF_TOKEN="hf_reader")
        self.assert_downloaded()


class TlsTest(HubTest):
    options = {"tls": True}

    def test_certificates_that_the_environment_names(self):
        self.hub.add("org/name", NEEDED)
        for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
            self.succeed("download", "org/name", "--force", **{name: str(CERTIFICATE)})
            self.assert_downloaded()

    def test_a_certificate_that_nobody_vouches_for(self):
        self.hub.add("org/name", NEEDED)
        done = self.run_program("download", "org/name", HF_TOKEN="hf_any")
        self.assertNotEqual(done.returncode, 0)
        self.assert_error(done, ["127.0.0.1", "certificate"])
        self.assertEqual(self.hub.log, [])


class OfflineTest(HubTest):
    def test_cached(self):
        repository = self.hub.add("org/name", NEEDED)
        first = self.succeed("download", "org/name")
        self.hub.forget()
        for value in ("1", "true", "ON"):
            self.assertEqual(self.succeed("download", "org/name", HF_HUB_OFFLINE=value).stdout, first.stdout)
        commit = repository.branches["main"]
        self.succeed("download", f"org/name@{commit}", HF_HUB_OFFLINE="1")
        self.succeed("download", f"org/name@{commit}")  # a whole commit needs no question either
        self.assertEqual(self.hub.log, [])

    def test_not_cached(self):
        self.hub.add("org/name", NEEDED)
        done = self.run_program("download", "org/name", HF_HUB_OFFLINE="1")
        self.assertNotEqual(done.returncode, 0)
        self.assert_error(done, ["org/name", "HF_HUB_OFFLINE"])
        self.assertEqual(self.hub.log, [])

    def test_part_of_it_cached(self):
        self.hub.add("org/name", NEEDED)
        self.succeed("download", "org/name")
        (self.cache().snapshot() / SHARD).unlink()
        done = self.run_program("download", "org/name", HF_HUB_OFFLINE="1")
        self.assertNotEqual(done.returncode, 0)
        self.assert_error(done, ["org/name", "a part of it"])

    def test_hub_that_cannot_be_reached(self):
        self.hub.add("org/name", NEEDED)
        first = self.succeed("download", "org/name")
        gone = {"HF_ENDPOINT": "http://127.0.0.1:9"}  # nobody listens at discard
        done = self.succeed("download", "org/name", **gone)
        self.assertEqual(done.stdout, first.stdout)
        self.assertIn("127.0.0.1", done.stderr)
        done = self.run_program("download", "org/other", **gone)
        self.assertNotEqual(done.returncode, 0)
        self.assert_error(done, ["org/other"])


class ProgressTest(HubTest):
    def stderr_of_terminal(self, **environment):
        """What is written to a terminal as standard error."""
        leader, follower = pty.openpty()
        process = subprocess.Popen([PROGRAM, "download", "org/name"], stdout=subprocess.DEVNULL,
                                   stderr=follower, env={**self.environment, "TERM": "xterm", **environment})
        os.close(follower)
        written = b""
        try:
            while piece := os.read(leader, 65536):
                written += piece
        except OSError:
            pass  # Linux says so when the last writer is gone
        os.close(leader)
        self.assertEqual(process.wait(), 0, written)
        return written

    def test_only_at_a_terminal_and_not_where_it_is_switched_off(self):
        self.hub.add("org/name", NEEDED)
        self.assertNotIn("\r", self.succeed("download", "org/name").stderr)
        self.assertNotIn("%", self.succeed("download", "org/name", "--force").stderr)
        (self.cache_folder / "models--org--name").rename(self.home / "gone")
        self.assertIn(b"%", self.stderr_of_terminal())
        (self.cache_folder / "models--org--name").rename(self.home / "gone too")
        self.assertNotIn(b"%", self.stderr_of_terminal(HF_HUB_DISABLE_PROGRESS_BARS="1"))


if __name__ == "__main__":
    unittest.main()
