"""What every benchmark shares: its command line, the machine it ran on, its table and its JSON.

    import machine

    options = machine.options("what it measures", seconds=(300, 30))     # 300 s, 30 s with --quick
    header = machine.print_header("latency", versions=["klieg", "ffmpeg", "chromium"])
    ...
    print(machine.table(columns, rows))                                    # rows: lists of strings and numbers
    if options.json:
        machine.write_json(options.json, "latency", header, columns, rows)
"""

import argparse
import contextlib
import datetime
import json
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KLIEG = ROOT / "build/release/klieg"

# How each program says its version.
ASK = {
    "klieg": [KLIEG, "--version"],
    "ffmpeg": ["ffmpeg", "-version"],
    "chromium": ["chromium", "--version"],
    "nginx": ["nginx", "-v"],
    "varnish": ["varnishd", "-V"],
    "trafficserver": ["traffic_server", "--version"],
    "haproxy": ["haproxy", "-v"],
    "h2load": ["h2load", "--version"],
    "openssl": ["openssl", "version"],
    "clang": ["clang++-19", "--version"],
}


def options(description, seconds=None, arguments=()):
    """Parses --quick and --json FILE, besides `arguments`: (flag, keywords) pairs for argparse. `seconds` is a pair:
    the time to measure for, and with --quick."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="a short run: shows that it works, proves little")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE")
    for flag, keywords in arguments:
        parser.add_argument(flag, **keywords)
    chosen = parser.parse_args()
    if seconds:
        chosen.seconds = seconds[1] if chosen.quick else seconds[0]
    return chosen


def version(program):
    try:
        said = subprocess.run(ASK[program], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return "not here"
    text = said.stdout + said.stderr
    found = re.search(r"\d+\.\d+[\w.+~-]*", text)
    return found[0] if found else text.strip().splitlines()[0] if text.strip() else "unknown"


def commit():
    try:
        return subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True,
                              check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def describe(versions=()):
    """The machine and the programs, as a dictionary."""
    cpu_model = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text())
    return {
        "cpu": cpu_model[1] if cpu_model else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(int(memory[1]) / 2**20, 1) if memory else None,
        "kernel": platform.release(),
        "commit": commit(),
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "load_average": os.getloadavg()[0],  # of the last minute: a busy machine measures something else
        "versions": {program: version(program) for program in versions},
    }


def print_header(name, versions=()):
    """Says what is measured, on what, with which programs. Returns the same as a dictionary."""
    found = describe(versions)
    print(f"bench {name}, commit {found['commit']}, {found['date']}")
    print(f"{found['cpu']}, {found['cores']} cores, {found['memory_gb']} GB, Linux {found['kernel']}")
    if found["versions"]:
        print(", ".join(f"{program} {number}" for program, number in found["versions"].items()))
    if found["load_average"] > 0.5:
        print(f"the machine is busy with something else: load average {found['load_average']:.1f}")
    print(flush=True)
    return found


def make_recording(path, *, seconds, noise, video_kbps, gop_s=1):
    """Moving noise, 640x360 at 30 fps, of this bitrate, and 64 kbit/s of sound, as FLV; made once."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".part.flv")
    bitrate = f"{video_kbps}k"
    subprocess.run(
        ["ffmpeg", "-hide_banner", "-loglevel", "error", "-y",
         "-f", "lavfi", "-i", "testsrc2=size=640x360:rate=30",
         "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=44100",
         "-vf", f"noise=alls={noise}:allf=t", "-t", str(seconds), "-pix_fmt", "yuv420p",
         "-c:v", "libx264", "-preset", "veryfast", "-profile:v", "main", "-bf", "0",
         "-b:v", bitrate, "-maxrate", bitrate, "-bufsize", bitrate, "-g", str(30 * gop_s), "-keyint_min", str(30 * gop_s), "-sc_threshold", "0",
         "-c:a", "aac", "-b:a", "64k", "-ac", "2", "-f", "flv", str(partial)], check=True)
    partial.rename(path)


def prefer(pid):
    """Runs a process and its session before whatever else this machine is doing; where that is not allowed, the header
    says how busy it is."""
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/autogroup").write_text("-20")


def table(columns, rows):
    """Rows of cells under columns, as text: words to the left, numbers to the right."""
    cells = [[show(cell) for cell in row] for row in rows]
    widths = [max([len(column), *(len(row[i]) for row in cells)]) for i, column in enumerate(columns)]
    numeric = [all(isinstance(row[i], (int, float)) or row[i] is None for row in rows) for i in range(len(columns))]
    aligned = [
        "  ".join(cell.rjust(width) if right else cell.ljust(width) for cell, width, right in zip(row, widths, numeric)).rstrip()
        for row in [list(columns), *cells]
    ]
    return "\n".join([aligned[0], "  ".join("-" * width for width in widths), *aligned[1:]])


def show(cell):
    if cell is None:
        return "-"
    if isinstance(cell, float):
        return f"{cell:,.0f}" if abs(cell) >= 1000 else f"{cell:.3g}"
    return f"{cell:,}" if isinstance(cell, int) and not isinstance(cell, bool) else str(cell)


def draw(path, described):
    """Writes a picture as `klieg sim` draws it; bench_picture has to be built, and its source says what is described."""
    drawn = subprocess.run([ROOT / "build/release/bench/bench_picture"], input=json.dumps(described), capture_output=True, text=True,
                           check=True)
    Path(path).write_text(drawn.stdout)
    print(f"picture written to {path}", file=sys.stderr)


def write_json(path, name, header, columns, rows, **more):
    """Writes the figures: rows as objects named by their columns."""
    figures = {"bench": name, "machine": header, "rows": [dict(zip(columns, row)) for row in rows], **more}
    Path(path).write_text(json.dumps(figures, indent=2) + "\n")
    print(f"figures written to {path}", file=sys.stderr)
