"""What the hub server of the tests can do wrong, or stop at, when it is told to."""

import re
import threading
from dataclasses import dataclass, field

KINDS = {
    "status",  # answers `status` with `headers` (429 with Retry-After, 500, ...)
    "drop",  # closes without an answer
    "html",  # answers 200 with a page, as a portal of a hotel's network does
    "loop",  # redirects to where the request already is
    "truncate",  # closes properly after `at` bytes of the body
    "reset",  # resets the connection after `at` bytes of the body
    "corrupt",  # inverts byte `at` of the file
    "ignore_range",  # answers 200 with the whole file to a request for a range
    "wrong_range",  # answers 206 with the part that starts `at` bytes before the one asked for
    "changed",  # sends another file of the same size with another ETag
    "hold",  # waits after `at` bytes of the body (before the answer where `at` is None) for release()
}


@dataclass
class Fault:
    """Happens to requests of `method` whose path matches the regular expression `path` at `host` ("hub"
    or "cdn"; None is any), after the first `skip` of them, `times` times (-1: always)."""

    kind: str
    method: str = None
    path: str = ""
    host: str = None
    times: int = 1
    skip: int = 0
    at: int = None
    status: int = 500
    headers: dict = field(default_factory=dict)

    def __post_init__(self):
        if self.kind not in KINDS:
            raise ValueError(f"wanted a fault of {sorted(KINDS)}, got '{self.kind}'")
        self.reached = threading.Event()  # where a hold waits, and every fault that happened
        self.released = threading.Event()

    def release(self):
        self.released.set()

    def wait(self):
        """Waits until the fault happened."""
        if not self.reached.wait(60):
            raise TimeoutError(f"fault '{self.kind}' for '{self.path}' was not reached")

    def hold(self):
        self.reached.set()
        self.released.wait(60)

    def _matches(self, host, method, path):
        return (
            self.host in (None, host)
            and self.method in (None, method)
            and re.search(self.path, path) is not None
        )


class Faults:
    """The faults that are switched on. Safe for threads."""

    def __init__(self):
        self._lock = threading.Lock()
        self._faults = []

    def add(self, *args, **kwargs):
        """Switches a Fault on and returns it; the arguments are Fault's."""
        fault = Fault(*args, **kwargs)
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self):
        """Switches all off and lets go whatever they hold."""
        with self._lock:
            gone, self._faults = self._faults, []
        for fault in gone:
            fault.release()

    def take(self, host, method, path):
        """The fault that happens to this request, or None."""
        with self._lock:
            for fault in self._faults:
                if fault.times == 0 or not fault._matches(host, method, path):
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                fault.times -= fault.times > 0
                if fault.kind != "hold":
                    fault.reached.set()
                return fault
        return None
