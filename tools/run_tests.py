"""Runs every test there is, shows how far it is, and counts. What is run, in this order:

  repository   tools/*_test.py and bench/*_test.py: the checks and promises of the repository itself
  unit         the C++ programs klieg_<folder>_test, through CTest, from build/release
  web          the unit tests of the pages (Vitest), then the built pages in Chromium against a fake origin
  end to end   test/e2e/: real encoders, servers and players around build/release/klieg (Node's test runner)

and with --all: test/soak/, and under each sanitizer once more the C++ programs and the end-to-end tests that hold no
server to a time or to a size.

What has real clocks, networks and browsers in it (pages in a browser, end to end) and fails is run once more, its file
alone. What passes then counts as passed, and is named as unsteady, with what it said: a defect of the test or a rare one
of the server, to be looked for, that is no reason to stop everybody. A second failure is one.

The last line is `N passed, N failed, N skipped`; the exit code is 1 when something failed or nothing ran.
"""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import unittest
import xml.etree.ElementTree
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / "build" / "log"
SANITIZERS = ("asan", "ubsan", "tsan")
# What a viewer sees, and when: these want the machine to themselves.
ALONE = ("edge_load", "hostile", "ladder_players", "ladder_workers", "players", "push", "room", "sync")
# A sanitizer makes the server several times slower and larger, so that players stall and limits are passed: these hold
# it to times or sizes.
NOT_UNDER_SANITIZERS = ("hostile", "ladder_players", "players", "pops")
PROGRESS_EVERY_S = 20  # where there is no terminal to draw on
DETAIL_LINES_MAX = 60  # of a failed test's output
SILENCE_MAX_S = 15 * 60  # of Node's runner; the longest soak says nothing for ten minutes
SECOND_TRIES_MAX = 3  # files of a suite; where more fail it is not by chance


@dataclass
class Outcome:
    name: str
    verdict: str  # passed, failed or skipped
    detail: str = ""  # of what passed: how it failed before
    file: str = ""  # of Node's tests


class Suite:
    """The running count of one suite, shown while it runs."""

    def __init__(self, name):
        self.name = name
        self.outcomes = []
        self.started = time.monotonic()
        self.shown = self.started
        self.drawn = False
        print(f"{name}", flush=True)

    def note(self, outcome):
        self.outcomes.append(outcome)
        if outcome.verdict == "failed":
            self.erase()
            print(f"  FAILED {outcome.name}", flush=True)
            lines = outcome.detail.strip().splitlines()
            for line in lines[:DETAIL_LINES_MAX]:
                print(f"    {line}")
            if len(lines) > DETAIL_LINES_MAX:
                print(f"    ... and {len(lines) - DETAIL_LINES_MAX} lines more")
        self.progress(outcome.name)

    def progress(self, now_at):
        count = len(self.outcomes)
        if sys.stdout.isatty():
            print(f"\r\x1b[K  {count} {now_at[:90]}", end="", flush=True)
            self.drawn = True
        elif time.monotonic() - self.shown >= PROGRESS_EVERY_S:
            print(f"  {count} so far, {time.monotonic() - self.started:.0f} s: {now_at}", flush=True)
            self.shown = time.monotonic()

    def say(self, words):
        self.erase()
        print(f"  {words}", flush=True)

    def erase(self):
        if self.drawn:
            print("\r\x1b[K", end="", flush=True)
            self.drawn = False

    def close(self):
        self.erase()
        print(f"  {tally(self.outcomes)}  ({time.monotonic() - self.started:.0f} s)", flush=True)
        return self.outcomes


def tally(outcomes):
    counts = [sum(outcome.verdict == verdict for outcome in outcomes) for verdict in ("passed", "failed", "skipped")]
    return "{} passed, {} failed, {} skipped".format(*counts)


def lines_of(command, silence_max_s=None, **options):
    """Starts a command; yields its lines as they come and at last its exit code. Who says nothing for too long is killed
    with all that it started, and so are they when we are stopped."""
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", start_new_session=True, **options) as process:
        try:
            while line := line_within(silence_max_s, process):
                yield line
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    yield process.returncode


def line_within(silence_max_s, process):
    watchdog = threading.Timer(silence_max_s or threading.TIMEOUT_MAX, os.killpg, (process.pid, signal.SIGKILL))
    watchdog.daemon = True
    watchdog.start()
    try:
        return process.stdout.readline()
    finally:
        watchdog.cancel()


# --- repository ------------------------------------------------------------------------------------------------------


class Noting(unittest.TestResult):
    def __init__(self, suite):
        super().__init__()
        self.suite = suite

    def addSuccess(self, test):
        self.suite.note(Outcome(test.id(), "passed"))

    def addSkip(self, test, reason):
        self.suite.note(Outcome(test.id(), "skipped", reason))

    def addFailure(self, test, error):
        self.suite.note(Outcome(test.id(), "failed", self._exc_info_to_string(error, test)))

    addError = addFailure


def run_repository(pattern):
    suite = Suite("repository")
    loader = unittest.TestLoader()
    for folder in ("tools", "bench"):
        if not (ROOT / folder).is_dir():
            continue
        found = loader.discover(str(ROOT / folder), "*_test.py", top_level_dir=str(ROOT / folder))
        for test in flatten(found):
            if not pattern or re.search(pattern, test.id()):
                test.run(Noting(suite))
    return suite.close()


def flatten(tests):
    for test in tests:
        if isinstance(test, unittest.TestSuite):
            yield from flatten(test)
        else:
            yield test


# --- C++ -------------------------------------------------------------------------------------------------------------

CTEST_LINE = re.compile(r"^\s*\d+/\d+ Test\s+#\d+: (\S+)")


def run_unit(pattern, preset="release"):
    suite = Suite("unit" if preset == "release" else f"unit under {preset}")
    report = LOGS / f"ctest-{preset}.xml"
    report.unlink(missing_ok=True)
    command = ["ctest", "--test-dir", f"build/{preset}", "--parallel", str(os.cpu_count()), "--output-junit", report]
    if pattern:
        command += ["--tests-regex", pattern]
    said = []
    for line in lines_of(command):
        said.append(str(line))
        if isinstance(line, str) and (ended := CTEST_LINE.match(line)):
            suite.progress(ended[1])
    suite.erase()
    if not report.exists():
        suite.note(Outcome(f"CTest in build/{preset}", "failed", "".join(said)))
        return suite.close()
    for case in xml.etree.ElementTree.parse(report).getroot().iter("testcase"):
        suite.note(outcome_of_ctest(case))
    return suite.close()


def outcome_of_ctest(case):
    name, status = case.get("name"), case.get("status")
    output = case.findtext("system-out") or ""
    skipped = case.find("skipped")
    if status == "run":
        return Outcome(name, "passed")
    if status == "disabled":
        return Outcome(name, "skipped", "disabled")
    if status == "notrun" and skipped is not None and "SKIP" in skipped.get("message", ""):
        reason = re.search(r"Skipped\n(.*)", output)
        return Outcome(name, "skipped", reason[1] if reason else "")
    return Outcome(name, "failed", output or f"CTest says: {status}")


def run_sanitizers(pattern):
    outcomes = []
    for preset in SANITIZERS:
        if subprocess.run(["tools/build_preset", preset], cwd=ROOT).returncode == 0:
            outcomes += run_unit(pattern, preset)
            outcomes += run_end_to_end(pattern, f" under {preset}", NOT_UNDER_SANITIZERS, {"TEST_BUILD": preset})
        else:
            outcomes.append(Outcome(f"the {preset} build", "failed"))
    return outcomes


# --- web and end to end ----------------------------------------------------------------------------------------------


def run_web(pattern):
    suite = Suite("web")
    report = LOGS / "vitest.json"
    report.unlink(missing_ok=True)
    command = ["tools/with_node", "npm", "--prefix", "web", "test", "--", "--reporter=json", f"--outputFile={report}"]
    if pattern:
        command += ["--testNamePattern", pattern]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, errors="replace")
    if not report.exists():
        suite.note(Outcome("Vitest", "failed", ended.stdout + ended.stderr))
        return suite.close()
    for result in json.loads(report.read_text())["testResults"]:
        if result["status"] == "failed" and not result["assertionResults"]:
            suite.note(Outcome(result["name"], "failed", result.get("message", "")))
        for test in result["assertionResults"]:
            verdict = test["status"] if test["status"] in ("passed", "failed") else "skipped"
            if not (pattern and verdict == "skipped" and not re.search(pattern, test["fullName"])):
                suite.note(Outcome(test["fullName"], verdict, "\n".join(test.get("failureMessages", []))))
    return suite.close()


def run_pages(pattern):
    files = list(ROOT.glob("web/test/*.test.mjs"))
    alone = [path for path in files if path.name == "ladder.test.mjs"]  # it makes networks slow and looks for stalls
    beside = [path for path in files if path not in alone]
    return (run_node("pages in a browser", beside, pattern, tries=2, at_once=os.cpu_count())
            + run_node("pages in a browser, the ladder", alone, pattern, tries=2))


def run_end_to_end(pattern, how="", without=(), environment=(), tries=1):
    files = {path.name.removesuffix(".test.js"): path for path in ROOT.glob("test/e2e/*.test.js")}
    beside = [path for name, path in files.items() if name not in (*ALONE, *without)]
    alone = [files[name] for name in ALONE if name not in without]
    return (run_node(f"end to end{how}", beside, pattern, environment, tries, at_once=os.cpu_count())
            + run_node(f"end to end, one by one{how}", alone, pattern, environment, tries))


def run_node(name, files, pattern, environment=(), tries=1, at_once=1):
    """Tests for Node's runner, so many files at once. A second try is made with nothing beside it."""
    files = sorted(str(path.relative_to(ROOT)) for path in files)
    if not files:
        return []
    suite = Suite(name)
    for folder in ("web", "test"):
        if subprocess.run(["tools/npm_ci", folder], cwd=ROOT).returncode != 0:
            suite.note(Outcome(f"npm ci in {folder}", "failed"))
            return suite.close()
    run_files(suite, files, pattern, environment, at_once)
    if tries > 1:
        try_again(suite, pattern, environment)
    return suite.close()


def run_files(suite, files, pattern, environment, at_once=1):
    command = ["tools/with_node", "node", "--test", f"--test-concurrency={at_once}",
               "--test-reporter=./test/reporter.js"]
    if pattern:
        command += [f"--test-name-pattern={pattern}"]
    said = []
    before = len(suite.outcomes)
    for line in lines_of(command + files, silence_max_s=SILENCE_MAX_S, env={**os.environ, **dict(environment)}):
        if isinstance(line, int):
            ended = line
        elif line.startswith("{"):
            event = json.loads(line)
            if event["verdict"] == "started":
                suite.progress(event["name"])
            elif not (pattern and event["verdict"] == "skipped" and "pattern" in event["detail"]):
                suite.note(Outcome(event["name"], event["verdict"], event["detail"], event.get("file", "")))
        else:
            said.append(line)
    if ended != 0 and not any(outcome.verdict == "failed" for outcome in suite.outcomes[before:]):
        suite.note(Outcome(f"the test runner of: {suite.name}", "failed", "".join(said)))


def try_again(suite, pattern, environment):
    failed = [outcome for outcome in suite.outcomes if outcome.verdict == "failed"]
    files = sorted({outcome.file for outcome in failed})
    if not files or "" in files or len(files) > SECOND_TRIES_MAX:
        return
    suite.say(f"once more: {', '.join(os.path.relpath(file, ROOT) for file in files)}")
    first = {outcome.name: outcome for outcome in failed}
    suite.outcomes = [outcome for outcome in suite.outcomes if outcome.file not in files]
    run_files(suite, files, pattern, environment)
    for outcome in suite.outcomes:
        if outcome.verdict == "passed" and outcome.name in first:
            outcome.detail = first[outcome.name].detail
    came = {outcome.name for outcome in suite.outcomes}
    suite.outcomes += [outcome for name, outcome in first.items() if name not in came]  # so it has not passed


def main():
    parser = argparse.ArgumentParser(prog="./dev test")
    parser.add_argument("--all", action="store_true", help="soaks and sanitizer builds as well")
    parser.add_argument("filter", nargs="?", metavar="FILTER", help="a regular expression on test names")
    arguments = parser.parse_args()
    LOGS.mkdir(parents=True, exist_ok=True)
    # CTest runs each program in a folder of its own, where the relative default would lead nowhere.
    os.environ.setdefault("KLIEG_SHARED_DATA", str(ROOT.parent / "shared/data"))

    pattern = arguments.filter
    outcomes = run_repository(pattern) + run_unit(pattern) + run_web(pattern)
    outcomes += run_pages(pattern)
    outcomes += run_end_to_end(pattern, tries=2)
    if arguments.all:
        outcomes += run_node("soak", ROOT.glob("test/soak/*.test.js"), pattern) + run_sanitizers(pattern)

    for title, verdict, told in (("skipped", "skipped", True), ("unsteady: failed, then passed", "passed", True),
                                 ("failed", "failed", False)):
        chosen = [outcome for outcome in outcomes
                  if outcome.verdict == verdict and (verdict != "passed" or outcome.detail)]
        if chosen:
            print(f"\n{title}:")
        for outcome in chosen:
            reason = outcome.detail.strip().splitlines()
            print(f"  {outcome.name}" + (f": {reason[0]}" if told and reason else ""))
    if not outcomes:
        print(f"no test has a name like '{pattern}'")
    print(f"\n{tally(outcomes)}")
    return 1 if not outcomes or any(outcome.verdict == "failed" for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
