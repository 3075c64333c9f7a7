"""The second host of the hub server: files that LFS stores, under signed addresses."""

import hashlib

from http_handler import Handler


class CdnHandler(Handler):
    host = "cdn"

    def route(self):
        address, _, signature = self.path.partition("&Signature=")
        if "Authorization" in self.headers:
            # As stores of this kind answer; the log keeps the header for the tests to see.
            return self._refuse(400, "InvalidArgument", "Only one auth mechanism allowed")
        if signature != self.hub.signature(address):
            return self._refuse(403, "AccessDenied", "Access Denied")
        file = self.hub.stored(address.partition("?")[0].rpartition("/")[2])
        if file is None:
            return self._refuse(404, "NoSuchKey", "The specified key does not exist.")
        # Stores have ETags of their own: not the hash that the hub names the file by.
        etag = hashlib.md5(file.data, usedforsecurity=False).hexdigest() + "-1"
        self.send_file(file, etag, {"Cache-Control": "public, max-age=604800, immutable"})

    def _refuse(self, status, code, message):
        text = f"<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
        self.send(status, text.encode(), "application/xml")
