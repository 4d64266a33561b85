"""tools/bench/submit with small numbers: it measures both, with the real spark-submit, and ends what it has started."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

from harness import BIN, ROOT


class SubmitBenchTest(unittest.TestCase):
    def measure(self, *arguments):
        with tempfile.TemporaryDirectory() as folder:
            figures = pathlib.Path(folder) / "figures.json"
            done = subprocess.run([sys.executable, ROOT / "tools/bench/submit", "--binary", BIN / "sparkcron", "--json", figures, *arguments],
                                  capture_output=True, text=True, timeout=600)
            return done, json.loads(figures.read_text()) if figures.exists() else None

    def test_both_are_measured_in_one_run(self):
        done, rows = self.measure("--count", "2")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([(row["on"], row["by"], row["applications"]) for row in rows],
                         [("apiserver", "sparkcron", 2), ("apiserver", "spark-submit", 2)])
        for row in rows:
            for figure in ("last_s", "per_minute", "ms_each", "memory_mb"):
                self.assertGreater(row[figure], 0, row)

    def test_a_spark_home_without_spark_is_told(self):
        done, rows = self.measure("--count", "1", "--spark-home", "/nowhere")
        self.assertEqual((done.returncode, done.stderr, rows), (1, "--spark-home /nowhere has no bin/spark-submit\n", None))


if __name__ == "__main__":
    unittest.main()
