#!/usr/bin/env python3
"""Logs and files in a bucket of a real S3 server that checks signatures: the tests of that name in test_monitor and
test_sparkctl, against it, and a controller."""
import gzip
import os
import pathlib
import re
import secrets
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
from harness import BIN, ROOT, E2ETest, wait_for  # noqa: E402

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

    def test_controller_keeps_the_logs_of_runs_that_it_prunes(self):
        kubectl = self.start_api_and_node()
        self.start_controller("controller", "--log-archive", "s3://logs/nightly", "--log-archive-endpoint", self.address,
                              environment={"AWS_ACCESS_KEY_ID": self.key, "AWS_SECRET_ACCESS_KEY": self.secret})
        kubectl.apply(self.schedule("steady", successfulRunHistoryLimit=1))
        wait_for(lambda: len(self.started()) >= 4, "runs come")
        kubectl.patch_spec("steady", suspend=True)
        wait_for(lambda: len(kubectl.runs("steady")) == 1 and len(self.ended()) == len(self.started()), "runs are pruned")
        left = kubectl.runs("steady")[0]["metadata"]["name"]
        pruned = {row[1]: row[2] for row in self.ended() if row[1] != left}
        for run, slot in pruned.items():
            wait_for(lambda name=f"nightly/default/{run}/": any(path.startswith(name) for path in self.kept()), f"the log of {run} is kept")
            path = next(path for path in self.kept() if path.startswith(f"nightly/default/{run}/"))
            self.assertIn(f"fake driver of slot {slot}", gzip.decompress((self.bucket / path).read_bytes()).decode())


if __name__ == "__main__":
    unittest.main(verbosity=2)
