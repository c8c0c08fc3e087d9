"""ladder: what one camera's 720p, 480p, 240p and audio cost, how good they are and how late, beside ffmpeg"""

import json
import os
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

import machine

METHOD = """\
One 720p30 recording becomes 720p, 480p, 240p (H.264) and 64 kbit/s of AAC, round by round in turns, on core 1.
  klieg   klieg-codec inside its sandbox, fed over its socket by bench_ladder_worker on core 0, as fast as it takes it
  ffmpeg  the ffmpeg program: the same decoder, the same cascade of bicubic scalers, the same x264 and AAC settings and
          key frames, one thread of each; it reads MP4 and writes plain files
CPU: getrusage of the child, user and system, from exec to exit. "a core carries": 1 / CPU per media second, nothing left.
PSNR (of luma and chroma together) and SSIM: each rung's file against the recording, scaled once from 720p.
delay: from a part's last sample into the socket to the last byte of the part's last sample out of it, parts of 200 ms.
  frames  every sample comes when it ends, as from a camera over a good network
  parts   all samples of a part come at once at its end, as over a network that stutters: a part's coding is in it, and the
          sound's last frame, for which the AAC coder looks one frame ahead, waits for the next part"""

BUILT = machine.ROOT / "build/release"
FILES = machine.ROOT / "build/bench/ladder"
SHARED_DATA = Path(os.environ.get("KLIEG_SHARED_DATA", machine.ROOT / "../shared/data"))
CAMERA = SHARED_DATA / "video/mdn/flower.mp4"  # 5 s of a camera, 960x540: the largest there is; but silent
VOICE = SHARED_DATA / "video/mdn-chroma/video.mp4"  # 24 s of somebody speaking

# The usual bitrates of src/transcoder/ladder.cc, and the settings of src/codec/video_encoder.cc.
RUNGS = {"720p": (1280, 720, 2_500_000), "480p": (854, 480, 1_200_000), "240p": (426, 240, 350_000)}
AUDIO_BITS = 64_000
X264 = ["-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency", "-x264-params", "sliced-threads=0:scenecut=0",
        "-threads", "1", "-bf", "0", "-g", str(1 << 30), "-force_key_frames", "source", "-forced-idr", "1"]

CPU_RATIO_MAX, DB_LESS_MAX, DELAY_P50_MS_MAX = 1.05, 0.1, 150


def quiet_ffmpeg(*arguments):
    subprocess.run(["ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin", "-y", *map(str, arguments)], check=True)


def make_source():
    """What a phone would send: 30 s of 720p30, H.264 without B-frames at 4 Mbit/s, a key frame a second, and AAC."""
    FILES.mkdir(parents=True, exist_ok=True)
    made_up = not (CAMERA.exists() and VOICE.exists())
    source = FILES / ("made_up.mp4" if made_up else "camera_and_voice.mp4")
    if not source.exists():
        partial = source.with_suffix(".part.mp4")
        inputs = (["-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=30,noise=alls=8:allf=t",
                   "-f", "lavfi", "-i", "anoisesrc=color=pink:sample_rate=48000"] if made_up
                  else ["-stream_loop", "-1", "-i", CAMERA, "-stream_loop", "-1", "-i", VOICE])
        quiet_ffmpeg(*inputs, "-map", "0:v", "-map", "1:a", "-t", "30", "-vf", "fps=30,scale=1280:720:flags=lanczos,format=yuv420p",
                     "-c:v", "libx264", "-preset", "medium", "-profile:v", "high", "-bf", "0", "-g", "30", "-keyint_min", "30",
                     "-sc_threshold", "0", "-b:v", "4M", "-maxrate", "4M", "-bufsize", "4M",
                     "-c:a", "aac", "-b:a", "128k", "-ar", "48000", "-ac", "2", partial)
        partial.rename(source)
    return source, "synthetic: the shared material is not here" if made_up else f"pictures of {CAMERA.name} scaled to 720p, sound of {VOICE.name}, looped"


def run_klieg(source, seconds, pace):
    arguments = [BUILT / "bench/bench_ladder_worker", FILES / "worker_on_core_1", source, "--pace", pace, "--seconds", seconds]
    for name, (width, height, bits) in RUNGS.items():
        arguments += ["--rung", f"{name}:{width}:{height}:{bits}"]
    arguments += ["--rung", f"audio:0:0:{AUDIO_BITS}"]
    if pace == "fast":
        (FILES / "klieg").mkdir(exist_ok=True)
        arguments += ["--out", FILES / "klieg"]
    process = subprocess.Popen(["taskset", "-c", "0", *map(str, arguments)], stdout=subprocess.PIPE, text=True,
                               start_new_session=True)
    machine.prefer(process.pid)
    said, _ = process.communicate(timeout=300)
    if process.returncode != 0:
        sys.exit("bench_ladder_worker failed")
    return json.loads(said)


def run_ffmpeg(source, seconds):
    folder = FILES / "ffmpeg"
    folder.mkdir(exist_ok=True)
    graph, before = [], "0:v"
    for index, (name, (width, height, _)) in enumerate(RUNGS.items()):
        scale = "" if index == 0 else f"scale={width}:{height}:flags=bicubic"
        if index == len(RUNGS) - 1:
            graph.append(f"[{before}]{scale}[{name}]")
        else:
            graph.append(f"[{before}]{scale + ',' if scale else ''}split[{name}][rest{index}]")
            before = f"rest{index}"
    command = ["taskset", "-c", "1", "ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin", "-y", "-threads", "1",
               "-t", str(seconds), "-i", str(source), "-filter_complex_threads", "1", "-filter_complex", ";".join(graph)]
    for name, (_, _, bits) in RUNGS.items():
        command += ["-map", f"[{name}]", *X264, "-b:v", str(bits), "-maxrate", str(bits), "-bufsize", str(bits),
                    "-f", "h264", str(folder / f"{name}.h264")]
    command += ["-map", "0:a", "-c:a", "aac", "-b:a", str(AUDIO_BITS), "-f", "adts", str(folder / "audio.aac")]
    began = time.monotonic()
    process = subprocess.Popen(command, start_new_session=True)
    machine.prefer(process.pid)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit("ffmpeg failed")
    return {"media_seconds": seconds, "wall_seconds": time.monotonic() - began, "cpu_seconds": used.ru_utime + used.ru_stime,
            "system_seconds": used.ru_stime, "peak_kb": used.ru_maxrss}


def quality(source, rung_file, width, height):
    """PSNR in dB and SSIM; both pictures by number, for plain H.264 has no times."""
    graph = (f"[1:v]scale={width}:{height}:flags=bicubic+accurate_rnd+full_chroma_int,settb=1/30,setpts=N,split[r1][r2];"
             f"[0:v]settb=1/30,setpts=N,split[a][b];[a][r1]psnr=shortest=1;[b][r2]ssim=shortest=1")
    said = subprocess.run(["ffmpeg", "-hide_banner", "-nostdin", "-i", str(rung_file), "-i", str(source), "-lavfi", graph,
                           "-an", "-f", "null", "-"], capture_output=True, text=True, check=True).stderr
    return float(re.search(r"PSNR .*average:([\d.]+)", said)[1]), float(re.search(r"SSIM .*All:([\d.]+)", said)[1])


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else None


def build():
    subprocess.run(["tools/build_preset", "release", "klieg-codec", "bench_ladder_worker"], cwd=machine.ROOT, check=True,
                   stdout=sys.stderr)
    # The worker is started by its driver, which has another core.
    FILES.mkdir(parents=True, exist_ok=True)
    starter = FILES / "worker_on_core_1"
    starter.write_text(f'#!/bin/sh\nexec taskset -c 1 "{BUILT}/klieg-codec" "$@"\n')
    starter.chmod(0o755)


def cost_table(runs):
    columns = ["program", "CPU s per s", "least", "most", "of it system", "a core carries", "peak MB"]
    rows = []
    for name, found in runs.items():
        each = [run["cpu_seconds"] / run["media_seconds"] for run in found]
        system = statistics.median(run["system_seconds"] / run["media_seconds"] for run in found)
        cpu = statistics.median(each)
        rows.append([name, cpu, min(each), max(each), system, 1 / cpu, statistics.median(run["peak_kb"] for run in found) / 1000])
    return columns, rows


def quality_table(source, seconds):
    columns = ["rung", "klieg kbit/s", "ffmpeg kbit/s", "klieg dB", "ffmpeg dB", "dB more", "klieg SSIM", "ffmpeg SSIM"]
    rows = []
    for name, (width, height, _) in RUNGS.items():
        files = [FILES / program / f"{name}.h264" for program in ("klieg", "ffmpeg")]
        rates = [file.stat().st_size * 8 / seconds / 1000 for file in files]
        (our_db, our_ssim), (their_db, their_ssim) = (quality(source, file, width, height) for file in files)
        rows.append([name, *rates, f"{our_db:.3f}", f"{their_db:.3f}", round(our_db - their_db, 3) + 0.0, f"{our_ssim:.5f}",
                     f"{their_ssim:.5f}"])
    return columns, rows


def delay_table(runs):
    columns = ["source comes in", "rung", "parts", "delay ms p50", "p95", "most"]
    rows = []
    for pace, run in runs.items():
        for name, rung in run["rungs"].items():
            ms = rung["delay_ms"]
            rows.append([pace, name, len(ms), percentile(ms, 0.5), percentile(ms, 0.95), max(ms)])
    return columns, rows


def main():
    options = machine.options(__doc__, seconds=(20, 10), arguments=[("--rounds", {"type": int, "help": "3, quick 1"})])
    rounds = options.rounds or (1 if options.quick else 3)
    build()
    source, about = make_source()
    header = machine.print_header("ladder", versions=["ffmpeg", "clang"])
    print(METHOD)
    print(f"\nsource: {about}; {options.seconds} s, {rounds} rounds\n", flush=True)

    runs = {"klieg": [], "ffmpeg": []}
    for number in range(rounds):
        for name in ("klieg", "ffmpeg") if number % 2 == 0 else ("ffmpeg", "klieg"):
            run = run_klieg(source, options.seconds, "fast") if name == "klieg" else run_ffmpeg(source, options.seconds)
            runs[name].append(run)
            print(".", end="", file=sys.stderr, flush=True)
    paced = {pace: run_klieg(source, options.seconds, pace) for pace in ("frames", "parts")}
    print(file=sys.stderr)

    costs = cost_table(runs)
    print(machine.table(*costs), "\n")
    rungs = quality_table(source, options.seconds)
    print(machine.table(*rungs), "\n")
    delays = delay_table(paced)
    print(machine.table(*delays), "\n")

    ours, theirs = (row[1] for row in costs[1])
    less = max(0, -min(row[5] for row in rungs[1]))
    slowest = {pace: max((row[3], row[4]) for row in delays[1] if row[0] == pace) for pace in paced}
    print(f"CPU {ours / theirs:.3f} x that of ffmpeg (aim: {CPU_RATIO_MAX}); PSNR at most {less:.3f} dB less (aim: {DB_LESS_MAX})\n"
          f"delay of the slowest rung: p50 {slowest['frames'][0]:.0f} ms (aim: {DELAY_P50_MS_MAX}), p95 {slowest['frames'][1]:.0f} ms; "
          f"when whole parts come at once p50 {slowest['parts'][0]:.0f} ms, p95 {slowest['parts'][1]:.0f} ms\n"
          f"one core carries {1 / ours:.2f} such broadcasts by klieg, {1 / theirs:.2f} by ffmpeg")
    if options.json:
        machine.write_json(options.json, "ladder", header, *costs, method=METHOD, source=about, cpu_ratio=ours / theirs, runs=runs,
                           **{name: [dict(zip(columns, row)) for row in rows]
                              for name, (columns, rows) in {"rungs": rungs, "delays": delays}.items()})


if __name__ == "__main__":
    main()
