"""Runs the tests of the browser's clock reader (bench/read_clock.test.mjs) where there is a Node to run them."""

import shutil
import subprocess
import unittest
from pathlib import Path


class ReadClock(unittest.TestCase):
    def test_the_browsers_clock_reader_agrees_with_the_test_card(self):
        if not shutil.which("node"):
            self.skipTest("no node in PATH")
        run = subprocess.run(["node", "--test", "read_clock.test.mjs"], cwd=Path(__file__).parent, capture_output=True,
                             text=True)
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)


if __name__ == "__main__":
    unittest.main()
