"""Runs each fuzz target for some seconds on its kept corpus. usage: tools/run_fuzz.py SECONDS [NAME]

What a run finds - inputs that reach new code, inputs that crash - goes to build/fuzz-finds/NAME/, never into git. A
crash worth keeping is made into a test, or copied to fuzz/corpus/NAME/ by hand.
"""

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
INPUT_BYTES_MAX = 1 << 20  # a megabyte is more than any parser is given in one piece
MEMORY_MB_MAX = 2048
ONE_INPUT_S_MAX = 10


def fuzz(name, seconds):
    """Runs one target; returns (executions, coverage, what went wrong or nothing)."""
    finds = ROOT / "build/fuzz-finds" / name
    fresh = finds / "new"
    fresh.mkdir(parents=True, exist_ok=True)
    command = [
        ROOT / "build/fuzz/fuzz" / f"{name}_fuzz", fresh, *existing(ROOT / "fuzz/corpus" / name),
        f"-max_total_time={seconds}", f"-artifact_prefix={finds}/", f"-max_len={INPUT_BYTES_MAX}",
        f"-rss_limit_mb={MEMORY_MB_MAX}", f"-timeout={ONE_INPUT_S_MAX}", "-print_final_stats=1", "-verbosity=1",
    ]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, errors="replace")
    executions = re.search(r"stat::number_of_executed_units:\s*(\d+)", ended.stderr)
    coverage = re.findall(r"cov: (\d+)", ended.stderr)
    wrong = "" if ended.returncode == 0 else "\n".join(ended.stderr.splitlines()[-60:])
    return int(executions[1]) if executions else 0, int(coverage[-1]) if coverage else 0, wrong


def existing(folder):
    return [folder] if folder.is_dir() else []


def main():
    seconds = int(sys.argv[1])
    names = sorted(path.name.removesuffix("_fuzz.cc") for path in (ROOT / "fuzz").glob("*_fuzz.cc"))
    if len(sys.argv) > 2:
        if sys.argv[2] not in names:
            print(f"./dev fuzz: there is no target '{sys.argv[2]}'; there are: {' '.join(names)}")
            return 2
        names = [sys.argv[2]]
    if not names:
        print("there is no fuzz target")
        return 1

    cores = os.cpu_count() or 1
    print(f"{len(names)} targets, {seconds} s each, {cores} at a time: about {-(-len(names) // cores) * seconds} s", flush=True)
    crashed = 0
    with ThreadPoolExecutor(cores) as pool:
        for name, (executions, coverage, wrong) in zip(names, pool.map(lambda name: fuzz(name, seconds), names)):
            clean = executions > 0 and not wrong
            crashed += not clean
            print(f"  {name:<20} {'clean' if clean else 'FAILED':<7} {executions:>12,} executions, {coverage:>6,} edges", flush=True)
            if not clean:
                print(wrong or "  it executed nothing", f"\n  the input that did it is in build/fuzz-finds/{name}/")
    print(f"{len(names) - crashed} clean, {crashed} failed")
    return 1 if crashed else 0


if __name__ == "__main__":
    sys.exit(main())
