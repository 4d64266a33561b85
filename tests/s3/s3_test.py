#!/usr/bin/env python3
"""Logs and files in a bucket of a real S3 server that checks signatures: the tests of that name in test_monitor and
test_sparkctl, against it."""
import os
import pathlib
import re
import secrets
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
from harness import BIN, ROOT, E2ETest  # noqa: E402

SERVER = subprocess.run([ROOT / "tools/bootstrap.d/s3server"], capture_output=True, text=True, check=True).stdout.strip()


class BucketTest(E2ETest):
    def setUp(self):
        super().setUp()
        self.bucket = self.folder / "store/logs"  # a bucket is a folder
        self.bucket.mkdir(parents=True)
        self.key, self.secret = secrets.token_hex(8), secrets.token_hex(16)
        server = subprocess.Popen([SERVER, "serve", "s3", "--addr", "127.0.0.1:0", "--auth-key", f"{self.key},{self.secret}",
                                   "--vfs-cache-mode", "off", "--config", "/dev/null", self.bucket.parent],
                                  stderr=subprocess.PIPE, text=True)
        self.addCleanup(server.stderr.close)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        self.address = next(found.group(0) for line in server.stderr if (found := re.search(r"http://127\.0\.0\.1:\d+", line)))

    def kept(self):
        return [str(path.relative_to(self.bucket)) for path in self.bucket.rglob("*.log.gz")]

    def test_logs_and_files_are_kept_and_read_and_a_wrong_secret_is_refused(self):
        for program in "test_monitor", "test_sparkctl":
            done = subprocess.run([BIN / program, "[.s3]"], capture_output=True, text=True, timeout=120,
                                  env={**os.environ, "SPARKCRON_TEST_S3": self.address, "SPARKCRON_TEST_S3_ID": self.key,
                                       "SPARKCRON_TEST_S3_SECRET": self.secret})
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertIn("All tests passed", done.stdout)
        self.assertIn("spark/eu/etl/nightly-1/r1/nightly-1-driver/p1/spark-kubernetes-driver.log.gz", self.kept())


if __name__ == "__main__":
    unittest.main(verbosity=2)
