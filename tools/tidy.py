"""Runs clang-tidy over the C++ sources (not their tests), as many at a time as there are cores.

usage: tools/tidy.py BUILD_FOLDER [FILE...]

A file that passed is remembered under build/tidy/ by the content of everything that can change the answer - the file,
the project's headers it includes, .clang-tidy, the compiler command - so only what changed is looked at again.
"""

import concurrent.futures
import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PASSED = ROOT / "build/tidy"
TIDY = "clang-tidy-19"
INCLUDE = re.compile(rb'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)
PROGRESS_EVERY_S = 20


@cache
def headers(path):
    """The project's headers that a file includes, directly or not."""
    found, waiting = set(), [path]
    while waiting:
        for name in INCLUDE.findall(waiting.pop().read_bytes()):
            header = ROOT / "src" / name.decode()
            if header.exists() and header not in found:
                found.add(header)
                waiting.append(header)
    return sorted(found)


def key(path, command, version):
    digest = hashlib.sha256(version + (ROOT / ".clang-tidy").read_bytes() + command.encode())
    for part in [path, *headers(path)]:
        digest.update(part.read_bytes())
    return digest.hexdigest()


def look_at(path, build):
    return subprocess.run([TIDY, "--quiet", "-p", build, path], cwd=ROOT, capture_output=True, text=True)


def show(name, said, shown_before):
    """Prints what was said about a file, but a finding in a header only once."""
    print(f"  {name}")
    for finding in re.split(r"^(?=\S+:\d+:\d+: (?:error|warning):)", said, flags=re.MULTILINE):
        if finding.strip() and finding not in shown_before:
            shown_before.add(finding)
            print(finding.rstrip())


def main():
    build, wanted = sys.argv[1], {str(ROOT / name) for name in sys.argv[2:]}
    version = subprocess.run([TIDY, "--version"], capture_output=True, check=True).stdout
    PASSED.mkdir(parents=True, exist_ok=True)
    todo = {}
    commands = json.loads((ROOT / build / "compile_commands.json").read_text())
    for entry in commands:
        path = Path(entry["file"])
        if not path.is_relative_to(ROOT / "src") or path.name.endswith("_test.cc") or (wanted and str(path) not in wanted):
            continue
        command = " ".join(word for word in shlex.split(entry["command"]) if word.startswith(("-D", "-std", "-f", "-W")))
        passed = PASSED / key(path, command, version)
        if not passed.exists():
            todo[path] = passed

    started = shown = time.monotonic()
    done, failed, shown_findings = 0, 0, set()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        running = {pool.submit(look_at, path, build): path for path in todo}
        for future in concurrent.futures.as_completed(running):
            path, result = running[future], future.result()
            done += 1
            if result.returncode == 0:
                todo[path].touch()
            else:
                failed += 1
                show(path.relative_to(ROOT), (result.stdout or result.stderr).replace(f"{ROOT}/", ""), shown_findings)
            if time.monotonic() - shown >= PROGRESS_EVERY_S:
                shown = time.monotonic()
                print(f"  clang-tidy: {done} of {len(todo)} files", flush=True)
    print(f"  clang-tidy: {done} files looked at, {failed} with findings, {time.monotonic() - started:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
