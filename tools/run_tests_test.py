"""How tests are run: the second try of what has real clocks in it, with a made-up runner, and the end of a silent one."""

import contextlib
import io
import json
import unittest
from unittest import mock

import run_tests


def said(name, verdict, file, detail=""):
    return json.dumps({"verdict": verdict, "name": name, "detail": detail, "file": str(run_tests.ROOT / file)}) + "\n"


class SecondTry(unittest.TestCase):
    def run_suite(self, *tries):
        """Runs a suite whose runner says `tries`, one after the other; keeps what was started."""
        self.started = []

        def lines_of(command, **_):
            self.started.append([part for part in command if part.endswith(".test.js")])
            return iter(tries[len(self.started) - 1])

        with mock.patch.object(run_tests, "lines_of", lines_of), contextlib.redirect_stdout(io.StringIO()):
            suite = run_tests.Suite("made up")
            run_tests.run_files(suite, ["a.test.js", "b.test.js"], None, ())
            run_tests.try_again(suite, None, ())
            return [(outcome.name, outcome.verdict, outcome.detail) for outcome in suite.close()]

    def test_what_passes_is_not_run_again(self):
        self.assertEqual(self.run_suite([said("one", "passed", "a.test.js"), 0]), [("one", "passed", "")])
        self.assertEqual(len(self.started), 1)

    def test_what_fails_once_has_passed_and_says_how_it_failed(self):
        first = [said("one", "failed", "a.test.js", "too late"), said("two", "passed", "a.test.js"),
                 said("three", "passed", "b.test.js"), 1]
        second = [said("one", "passed", "a.test.js"), said("two", "passed", "a.test.js"), 0]
        self.assertEqual(self.run_suite(first, second),
                         [("three", "passed", ""), ("one", "passed", "too late"), ("two", "passed", "")])
        self.assertEqual(len(self.started[1]), 1, "the file of what failed, alone")

    def test_what_fails_twice_has_failed(self):
        fails = [said("one", "failed", "a.test.js", "wrong"), 1]
        self.assertEqual(self.run_suite(fails, fails), [("one", "failed", "wrong")])

    def test_a_runner_that_dies_at_the_second_try_has_failed(self):
        self.assertEqual(self.run_suite([said("one", "failed", "a.test.js", "wrong"), 1], ["no such file\n", 1]),
                         [("the test runner of: made up", "failed", "no such file\n"), ("one", "failed", "wrong")])

    def test_what_does_not_come_again_has_failed(self):
        first = [said("one", "failed", "where_it_is_made.js", "wrong"), 1]
        self.assertEqual(self.run_suite(first, [said("where_it_is_made.js", "passed", "where_it_is_made.js"), 0]),
                         [("where_it_is_made.js", "passed", ""), ("one", "failed", "wrong")])

    def test_where_much_fails_nothing_is_tried_again(self):
        fails = [said(f"in {i}", "failed", f"{i}.test.js", "wrong") for i in range(run_tests.SECOND_TRIES_MAX + 1)]
        self.assertEqual([verdict for _, verdict, _ in self.run_suite(fails + [1])],
                         ["failed"] * (run_tests.SECOND_TRIES_MAX + 1))


class Silence(unittest.TestCase):
    def test_who_says_nothing_is_killed_with_what_it_started(self):
        *lines, code = run_tests.lines_of(["sh", "-c", "echo hello; sleep 1000 & wait"], silence_max_s=0.2)
        self.assertEqual((lines, code), (["hello\n"], -9))

    def test_who_ends_is_not(self):
        self.assertEqual(list(run_tests.lines_of(["sh", "-c", "echo hello; exit 3"], silence_max_s=60)), ["hello\n", 3])


if __name__ == "__main__":
    unittest.main()
