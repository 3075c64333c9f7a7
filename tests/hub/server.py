"""A hub for tests: what huggingface.co does for a client that downloads models, on the loopback.

Two hosts, as there: the hub answers for the API and for small files, and redirects to a second one, with a
signed address, for those that LFS stores. See README.md for what is like the original and what is not.

    with HubServer() as hub:
        hub.add("org/name", {"config.json": b"{}"}, card={"license": "apache-2.0"})
        ... HF_ENDPOINT=hub.url ...
        hub.faults.add("truncate", host="cdn", at=1000)
        hub.log ...

By hand: python3 server.py org/name=/folder/of/a/model ... prints its address and serves until Ctrl-C. Then
POST /_control/faults takes the arguments of Fault as JSON, DELETE clears them, and GET /_control/log shows
what was asked.
"""

import argparse
import hashlib
import hmac
import http.client
import ssl
import threading
import time
import urllib.parse
from http.server import ThreadingHTTPServer
from pathlib import Path

from cdn_handler import CdnHandler
from faults import Faults
from hub_handler import HubHandler
from repository import Repository, files_of

# For localhost and 127.0.0.1, signed by itself, with its key; made by
#   openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 36500 -subj "/CN=Hub of tests"
#     -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -addext basicConstraints=critical,CA:TRUE
CERTIFICATE = Path(__file__).with_name("certificate.pem")


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    open = 0  # connections

    def process_request(self, request, client_address):
        with self.hub.changed:
            self.open += 1
        super().process_request(request, client_address)

    def shutdown_request(self, request):
        super().shutdown_request(request)
        with self.hub.changed:
            self.open -= 1
            self.hub.changed.notify_all()

    def handle_error(self, request, client_address):
        pass  # clients are killed and connections reset on purpose


class HubServer:
    """Serves from construction to close(). `cdn_host` is the second host's name: another one than the
    hub's, or "127.0.0.1" for one that differs by the port alone. With `tls` both speak https, with a
    certificate that nobody knows but who is given CERTIFICATE."""

    def __init__(self, cdn_host="localhost", page_size=1000, tls=False):
        self.repositories = {}
        self.renamed = {}  # old name -> new name
        self.tokens = set()  # valid ones; any other is refused
        self.faults = Faults()
        self.page_size = page_size
        self._log = []
        self._lock = threading.Lock()
        self.changed = threading.Condition()
        self._secret = b"of the tests"
        self._listeners = []
        self._tls = None
        if tls:
            self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._tls.load_cert_chain(CERTIFICATE)
        scheme = "https" if tls else "http"
        self.url = f"{scheme}://127.0.0.1:{self._listen(HubHandler)}"
        self.cdn_url = f"{scheme}://{cdn_host}:{self._listen(CdnHandler)}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.faults.clear()
        for listener in self._listeners:
            listener.shutdown()
            listener.server_close()

    def _listen(self, handler):
        listener = _Listener(("127.0.0.1", 0), handler)
        listener.hub = self
        if self._tls:
            # The handshake is the affair of the connection's own thread.
            listener.socket = self._tls.wrap_socket(listener.socket, server_side=True,
                                                    do_handshake_on_connect=False)
        threading.Thread(target=listener.serve_forever, args=(0.02,), daemon=True).start()
        self._listeners.append(listener)
        return listener.server_address[1]

    def add(self, name, files, **kwargs):
        """Adds a repository with one commit of `files` ({path: bytes}, or a folder); the other arguments
        are Repository's."""
        repository = Repository(name, **kwargs)
        self.tokens |= repository.readers
        repository.commit(files if isinstance(files, dict) else files_of(files))
        self.repositories[name] = repository
        return repository

    def note(self, request):
        with self._lock:
            self._log.append(request)

    @property
    def log(self):
        """All requests up to now, in the order in which they came."""
        with self._lock:
            return list(self._log)

    def forget(self):
        with self._lock:
            self._log.clear()

    def settle(self):
        """Waits until all that clients asked for is in the log and they are gone: what a process sent right
        before it was killed may be read later."""
        for listener in self._listeners:
            # Connections are accepted in their order: this one is behind all that there were.
            connection = http.client.HTTPConnection(*listener.server_address, timeout=60)
            connection.request("GET", "/_control/nothing", headers={"Connection": "close"})
            connection.getresponse().read()
            connection.close()
        with self.changed:
            if not self.changed.wait_for(lambda: not any(each.open for each in self._listeners), 60):
                raise TimeoutError("clients of the hub did not go")

    @property
    def bodies(self):
        """The requests that a file's bytes were sent for."""
        return [request for request in self.log if request.file and request.sent]

    def signed_url(self, repository, file, name):
        """Where the second host has a file, good for an hour."""
        path = f"/repos/{git_like(repository.name)}/{file.sha256}"
        disposition = f"inline; filename*=UTF-8''{urllib.parse.quote(name)}; filename=\"{name}\";"
        query = urllib.parse.urlencode(
            {
                "response-content-disposition": disposition,
                "Expires": int(time.time()) + 3600,
            }
        )
        return f"{self.cdn_url}{path}?{query}&Signature={self.signature(path + '?' + query)}"

    def signature(self, address):
        return hmac.new(self._secret, address.encode(), hashlib.sha256).hexdigest()

    def stored(self, sha256):
        """The file that LFS keeps under this hash, or None."""
        for repository in list(self.repositories.values()):
            for tree in list(repository.commits.values()):
                for file in tree.values():
                    if file.lfs and file.sha256 == sha256:
                        return file
        return None


def git_like(name):
    digest = hashlib.sha256(name.encode()).hexdigest()
    return f"{digest[:2]}/{digest[2:4]}/{digest}"


def main():
    parser = argparse.ArgumentParser(description="A hub for tests, on the loopback.")
    parser.add_argument("repository", nargs="+", help="org/name=/folder/of/files")
    parser.add_argument("--gated", action="store_true", help="readable with the token hf_tests alone")
    arguments = parser.parse_args()
    with HubServer() as hub:
        for text in arguments.repository:
            name, _, folder = text.partition("=")
            gates = {"gated": "auto", "readers": {"hf_tests"}} if arguments.gated else {}
            hub.add(name, folder, card={"license": "apache-2.0"}, **gates)
        print(f"HF_ENDPOINT={hub.url}", flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
