"""xlstm download where the disk is too small, or fills up meanwhile: on a file system of its own.

Linux makes a small one (tmpfs) within namespaces of its own, which needs no rights of root's where the
system lets users have them."""

import subprocess
import tempfile
import unittest
from pathlib import Path

from support import NEEDED, PROGRAM, TIMEOUT, HubTest

# $1 the folder, $2 its size, then the command; afterwards the folder's content is left in $1.after.
MOUNT = 'mount -t tmpfs -o size="$2" tmpfs "$1" || exit 99; where=$1; shift 2; '
RUN = MOUNT + '"$@"; code=$?; cp -a "$where" "$where.after"; exit $code'
# The same, and a file that takes all the space as soon as a line comes in, which a line says.
FILL = MOUNT + (
    '"$@" >/dev/null & read line; head -c 100m /dev/zero > "$where/other" 2>/dev/null; echo full; '
    'wait $!; code=$?; rm "$where/other"; cp -a "$where" "$where.after"; exit $code'
)


def can_mount():
    with tempfile.TemporaryDirectory() as folder:
        command = ["unshare", "-rm", "sh", "-c", MOUNT + '"$@"', "sh", folder, "64k", "true"]
        try:
            return subprocess.run(command, capture_output=True).returncode == 0
        except FileNotFoundError:
            return False


class SpaceTest(HubTest):
    def setUp(self):
        super().setUp()
        self.hub.add("org/name", NEEDED)
        self.disk = self.home / "disk"
        self.disk.mkdir()
        self.environment["HF_HUB_CACHE"] = str(self.disk)
        self.cache_folder = Path(f"{self.disk}.after")

    def command(self, script, size):
        return ["unshare", "-rm", "sh", "-c", script, "sh", str(self.disk), size, PROGRAM, "download",
                "org/name"]

    def test_disk_that_is_too_small_is_told_before_anything_is_fetched(self):
        done = subprocess.run(self.command(RUN, "1m"), env=self.environment, capture_output=True, text=True,
                              timeout=TIMEOUT)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assert_error(done, ["space", str(self.disk)])
        self.assertEqual([request for request in self.hub.bodies if request.host == "cdn"], [])
        self.assertEqual(self.cache().faults(), [])
        self.assertNotIn("model", " ".join(self.cache().blobs()))

    def test_disk_that_fills_up_meanwhile(self):
        fault = self.hub.faults.add("hold", host="cdn", at=100_000, times=2)
        process = subprocess.Popen(self.command(FILL, "8m"), env=self.environment, text=True,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        fault.wait()
        process.stdin.write("\n")
        process.stdin.flush()
        self.assertEqual(process.stdout.readline(), "full\n")
        self.hub.faults.clear()
        stdout, stderr = process.communicate(timeout=TIMEOUT)
        done = subprocess.CompletedProcess([], process.returncode, stdout, stderr)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assert_error(done, ["space"])
        self.assertEqual(self.cache().faults(), [])
        self.assertEqual([name for name in self.cache().blobs() if len(name) == 64], [])
        # What had come is good, and a larger disk gets the rest.
        self.environment["HF_HUB_CACHE"] = str(self.cache_folder)
        self.succeed("download", "org/name")
        self.assert_downloaded()


if __name__ == "__main__":
    if can_mount():
        unittest.main()
    print("left out: a disk without space (no small file system can be mounted here)")
