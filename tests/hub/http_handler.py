"""What both hosts of the hub server share: answers, ranges of files, faults, the log."""

import gzip
import json
import re
import socket
import struct
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler

PIECE = 16 * 1024



@dataclass
class Request:
    """One request as the server saw it. `sent` counts the body's bytes, `start` where in the file they
    begin; `file` is the file's ETag (its name in a cache) where a file's content was asked for."""

    host: str
    method: str
    path: str
    headers: dict  # names in lower case
    status: int = 0
    sent: int = 0
    start: int = 0
    file: str = None


class Handler(BaseHTTPRequestHandler):
    """`self.hub` is the HubServer; a subclass says which `host` it is and answers in `route()`."""

    protocol_version = "HTTP/1.1"
    host = None
    disable_nagle_algorithm = True

    def log_message(self, format, *args):
        pass

    @property
    def hub(self):
        return self.server.hub

    def do_GET(self):
        self._answer()

    def do_HEAD(self):
        self._answer()

    def do_POST(self):
        self._answer()

    def do_DELETE(self):
        self._answer()

    def _answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        self.body = self.rfile.read(length) if length else b""
        # Who takes the server for a proxy says the whole address.
        self.path = re.sub(r"^https?://[^/]+", "", self.path)
        if self.path.startswith("/_control/"):
            return self.control()
        self.entry = Request(
            self.host, self.command, self.path, {k.lower(): v for k, v in self.headers.items()}
        )
        self.hub.note(self.entry)
        self.fault = self.hub.faults.take(self.host, self.command, self.path)
        if self.fault is None or not self._fail_before_answer(self.fault):
            self.route()

    def _fail_before_answer(self, fault):
        """Whether the fault was all that there is to answer."""
        if fault.kind == "hold" and fault.at is None:
            fault.hold()
        elif fault.kind == "status":
            self.send(fault.status, b'{"error":"as told"}', "application/json", fault.headers)
            return True
        elif fault.kind == "drop":
            self.reset()
            return True
        elif fault.kind == "html":
            self.send(200, b"<html><body>Please log in to the network.</body></html>", "text/html")
            return True
        elif fault.kind == "loop":
            self.send(302, b"", "text/plain", {"Location": self.path})
            return True
        return False

    def send(self, status, data, content_type, headers=None):
        """Answers with `data`; HEAD with its headers alone."""
        self.start(status, content_type, {"Content-Length": len(data), **(headers or {})})
        if self.command != "HEAD":
            self.wfile.write(data)

    def start(self, status, content_type, headers):
        self.entry.status = status
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        for name, value in headers.items():
            self.send_header(name, str(value))
        self.end_headers()

    def send_json(self, status, value, headers=None):
        self.send(status, json.dumps(value).encode(), "application/json; charset=utf-8", headers)

    def reset(self):
        """Ends the connection as a crash of the other side does: with RST."""
        self.close_connection = True
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def send_file(self, file, etag, headers, compress=False):
        """Answers with a file or the range of it that is asked for."""
        data, etag = self._content(file, etag)
        headers = {"ETag": f'"{etag}"', "Accept-Ranges": "bytes", **headers}
        self.entry.file = file.etag
        first, last = self._range(len(data), etag)
        if first is None:
            self.send(416, b"", "text/plain", {"Content-Range": f"bytes */{len(data)}"})
            return
        if last is not None:
            headers["Content-Range"] = f"bytes {first}-{last}/{len(data)}"
            part = memoryview(data)[first : last + 1]
            self.entry.start = first
            self.start(206, "application/octet-stream", {"Content-Length": len(part), **headers})
        elif compress and "gzip" in self.headers.get("Accept-Encoding", ""):
            part = gzip.compress(data, 1)
            headers.update({"Content-Encoding": "gzip", "Content-Length": len(part), "Vary": "Accept-Encoding"})
            self.start(200, "application/json", headers)
        else:
            part = memoryview(data)
            self.start(200, "application/octet-stream", {"Content-Length": len(data), **headers})
        if self.command != "HEAD":
            self._send_body(part)

    def _content(self, file, etag):
        kind = self.fault.kind if self.fault else None
        if kind == "corrupt":
            data = bytearray(file.data)
            data[self.fault.at] ^= 0xFF
            return bytes(data), etag
        if kind == "changed":
            return bytes(b ^ 0x55 for b in file.data), etag[::-1]
        return file.data, etag

    def _range(self, size, etag):
        """First and last byte to send: last None for the whole, first None for a range outside."""
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        condition = self.headers.get("If-Range")
        kind = self.fault.kind if self.fault else None
        if not match or kind == "ignore_range" or (condition and condition != f'"{etag}"'):
            return 0, None
        first = int(match[1])
        last = min(int(match[2]), size - 1) if match[2] else size - 1
        if first >= size or last < first:
            return None, None
        if kind == "wrong_range":
            first = max(0, first - self.fault.at)
        return first, last

    def _send_body(self, part):
        """Sends in pieces, so that the log says how far it came, up to where a fault wants something."""
        kind = self.fault.kind if self.fault else None
        stop = self.fault.at if kind in ("truncate", "reset", "hold") else None
        end = len(part) if stop is None else min(stop, len(part))
        try:
            self._send_pieces(part, 0, end)
            if kind == "hold" and stop is not None:
                self.fault.hold()
                self._send_pieces(part, end, len(part))
            elif kind == "truncate":
                self.close_connection = True
            elif kind == "reset":
                self.reset()
        except OSError:
            self.close_connection = True  # the client is gone

    def _send_pieces(self, part, begin, end):
        for at in range(begin, end, PIECE):
            piece = part[at : min(at + PIECE, end)]
            self.wfile.write(piece)
            self.entry.sent += len(piece)

    def control(self):
        """The faults and the log for other processes."""
        self.entry = Request(self.host, self.command, self.path, {})
        self.fault = None
        if self.path == "/_control/faults" and self.command == "POST":
            self.hub.faults.add(**json.loads(self.body))
        elif self.path == "/_control/faults" and self.command == "DELETE":
            self.hub.faults.clear()
        elif self.path == "/_control/log" and self.command == "DELETE":
            self.hub.forget()
        elif self.path == "/_control/log" and self.command == "GET":
            return self.send_json(200, [vars(request) for request in self.hub.log])
        else:
            return self.send_json(404, {"error": "no such control"})
        return self.send_json(200, {})
