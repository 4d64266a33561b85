#!/usr/bin/env python3
"""Logs in a bucket of a real S3 server that checks signatures: the test of that name in test_monitor, against it."""
import os
import pathlib
import re
import secrets
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BIN = pathlib.Path(os.environ.get("SPARKCRON_BIN", ROOT / "build/dev/bin"))
SERVER = subprocess.run([ROOT / "tools/bootstrap.d/s3server"], capture_output=True, text=True, check=True).stdout.strip()


class BucketTest(unittest.TestCase):
    def test_logs_are_kept_and_read_and_a_wrong_secret_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "logs").mkdir()  # a bucket is a folder
            key, secret = secrets.token_hex(8), secrets.token_hex(16)
            with subprocess.Popen([SERVER, "serve", "s3", "--addr", "127.0.0.1:0", "--auth-key", f"{key},{secret}",
                                   "--vfs-cache-mode", "off", "--config", "/dev/null", folder],
                                  stderr=subprocess.PIPE, text=True) as server:
                self.addCleanup(server.kill)
                address = next(found.group(0) for line in server.stderr if (found := re.search(r"http://127\.0\.0\.1:\d+", line)))
                done = subprocess.run([BIN / "test_monitor", "[.s3]"], capture_output=True, text=True, timeout=120,
                                      env={**os.environ, "SPARKCRON_TEST_S3": address, "SPARKCRON_TEST_S3_ID": key,
                                           "SPARKCRON_TEST_S3_SECRET": secret})
                server.terminate()
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertIn("All tests passed", done.stdout)
            kept = [str(path.relative_to(folder)) for path in pathlib.Path(folder).rglob("*.log.gz")]
            self.assertIn("logs/spark/eu/etl/nightly-1/r1/nightly-1-driver/p1/spark-kubernetes-driver.log.gz", kept)


if __name__ == "__main__":
    unittest.main(verbosity=2)
