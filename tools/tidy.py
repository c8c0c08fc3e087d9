"""Runs clang-tidy over the C++ sources (not their tests), as many at a time as there are cores.

usage: tools/tidy.py BUILD_FOLDER [FILE...]

Most of a look at one file goes to the headers that its neighbours include as well, so a folder's files are looked at
several in one translation unit. Where they do not fit together (two local functions of one name), each half is.

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
TOGETHER_MAX = 8  # files: four times as fast as one by one; 16 gain little more, and one clash costs more


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


def compiler_flags(entry):
    words = shlex.split(entry["command"])
    begin = next(i for i, word in enumerate(words) if "clang++" in word) + 1
    return tuple(words[begin:words.index("-o")])


def groups(todo):
    """Files of one folder and one compiler command, so many together."""
    alike = {}
    for path, flags in todo.items():
        alike.setdefault((path.parent, flags), []).append(path)
    for (_, flags), paths in alike.items():
        for begin in range(0, len(paths), TOGETHER_MAX):
            yield paths[begin:begin + TOGETHER_MAX], flags


def look_at(paths, flags):
    """What is said of these files, as pairs: some of them, and clang-tidy's answer."""
    unit = PASSED / f"{paths[0].parent.name}_{paths[0].stem}_{len(paths)}.cc"
    unit.write_text("// NOLINTBEGIN(bugprone-suspicious-include)\n" + "".join(f'#include "{path}"\n' for path in paths)
                    + "// NOLINTEND(bugprone-suspicious-include)\n")
    result = subprocess.run([TIDY, "--quiet", unit, "--", *flags], cwd=ROOT, capture_output=True, text=True)
    unit.unlink()
    if len(paths) == 1 or "[clang-diagnostic-error]" not in result.stdout:
        return [(paths, result)]
    half = len(paths) // 2
    return look_at(paths[:half], flags) + look_at(paths[half:], flags)


def show(said, shown_before):
    """Prints findings, but one in a header only once."""
    for finding in re.split(r"^(?=\S+:\d+:\d+: (?:error|warning):)", said, flags=re.MULTILINE):
        if finding.strip() and finding not in shown_before:
            shown_before.add(finding)
            print(finding.rstrip())


def main():
    build, wanted = sys.argv[1], {str(ROOT / name) for name in sys.argv[2:]}
    version = subprocess.run([TIDY, "--version"], capture_output=True, check=True).stdout
    PASSED.mkdir(parents=True, exist_ok=True)
    todo, passed = {}, {}
    commands = json.loads((ROOT / build / "compile_commands.json").read_text())
    for entry in commands:
        path = Path(entry["file"])
        if not path.is_relative_to(ROOT / "src") or path.name.endswith("_test.cc") or (wanted and str(path) not in wanted):
            continue
        flags = compiler_flags(entry)
        passed[path] = PASSED / key(path, " ".join(flag for flag in flags if not flag.startswith("-I")), version)
        if not passed[path].exists():
            todo[path] = flags

    started = shown = time.monotonic()
    done, failed, shown_findings = 0, False, set()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        heaviest_first = sorted(groups(todo), key=lambda group: -sum(len(headers(path)) for path in group[0]))
        running = [pool.submit(look_at, *group) for group in heaviest_first]  # so that no core idles at the end
        for future in concurrent.futures.as_completed(running):
            for paths, result in future.result():
                done += len(paths)
                if result.returncode == 0:
                    for path in paths:
                        passed[path].touch()
                else:
                    failed = True
                    show((result.stdout or result.stderr).replace(f"{ROOT}/", ""), shown_findings)
            if time.monotonic() - shown >= PROGRESS_EVERY_S:
                shown = time.monotonic()
                print(f"  clang-tidy: {done} of {len(todo)} files", flush=True)
    print(f"  clang-tidy: {done} files looked at, {len(shown_findings)} findings, {time.monotonic() - started:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
