"""origin: what a finished-segment hit costs, beside nginx and a bare loop"""

import contextlib
import json
import os
import re
import resource
import shutil
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import machine

METHOD = """\
Each server is pinned to core 0, the load to core 1; the servers take turns, round by round, on the same bytes.
  klieg   http::Server on one loop, answering from completed logs
  nginx   one worker: sendfile, tcp_nopush, open_file_cache, files in tmpfs
  bare    an epoll loop of one recv and one writev, without parser, limits or timeouts: the floor
us: CPU time of the server per request (schedstat of all its threads), the median of the rounds; "spread" is the widest
distance between two rounds of klieg, of its median. On loopback the receiver's share of TCP is charged to the server.
HTTP/1.1 is loaded by bench_http_load, which throws bodies away in the kernel; TLS and HTTP/2 by h2load (10 streams per
connection), whose decryption on core 1 bounds requests per second; there, connection set-up is subtracted."""

CONGESTION = "cubic"  # bbr paces, and its timers would be charged to whom they interrupt
BUILT = machine.ROOT / "build/release/bench"


class Server:
    def __init__(self, name, command, http, https=None, **more):
        self.name, self.http, self.https = name, http, https
        self.process = subprocess.Popen(["taskset", "-c", "0", *map(str, command)], start_new_session=True,
                                        stdout=subprocess.DEVNULL, **more)
        self.pid = self.process.pid  # of the process that serves
        machine.prefer(self.pid)
        wait_for(http)

    def cpu_seconds(self):
        tasks = Path(f"/proc/{self.pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def wait_for(port):
    for _ in range(200):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        time.sleep(0.05)
    sys.exit(f"no server on port {port} after 10 s")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def start_nginx(directory, files):
    # nginx cannot choose a congestion control; it takes over listening sockets that have one (its way to upgrade).
    sockets = [socket.socket() for _ in range(2)]
    for one in sockets:
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, CONGESTION.encode())
        one.bind(("127.0.0.1", 0))
        one.listen(4096)
    http, https = (one.getsockname()[1] for one in sockets)
    config = directory / "nginx.conf"
    config.write_text(f"""
        daemon off; worker_processes 1; {"user root;" if os.getuid() == 0 else ""} pid {directory}/nginx.pid; error_log stderr crit;
        events {{ worker_connections 4096; }}
        http {{
          access_log off; sendfile on; tcp_nopush on; tcp_nodelay on; etag on;
          open_file_cache max=1000 inactive=1h; open_file_cache_valid 1h;
          keepalive_requests 1000000000; keepalive_timeout 1h; http2_max_concurrent_streams 100;
          http2_chunk_size 16k; output_buffers 2 256k;
          types {{ video/mp4 m4s; }}
          client_body_temp_path {directory}; proxy_temp_path {directory}; fastcgi_temp_path {directory};
          uwsgi_temp_path {directory}; scgi_temp_path {directory};
          server {{
            listen 127.0.0.1:{http} backlog=4096;
            listen 127.0.0.1:{https} ssl http2 backlog=4096;
            ssl_certificate {directory}/cert.pem; ssl_certificate_key {directory}/key.pem;
            ssl_protocols TLSv1.2 TLSv1.3;
            root {files};
            add_header cache-control "public, max-age=31536000, immutable"; add_header access-control-allow-origin "*";
          }}
        }}""")
    inherited = "".join(f"{one.fileno()};" for one in sockets)
    nginx = shutil.which("nginx") or "/usr/sbin/nginx"
    server = Server("nginx", [nginx, "-p", directory, "-c", config], http, https,
                    pass_fds=[one.fileno() for one in sockets], env={**os.environ, "NGINX": inherited})
    for one in sockets:
        one.close()
    for _ in range(100):
        workers = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
        if workers:
            server.pid = int(workers[0])
            return server
        time.sleep(0.05)
    sys.exit("nginx has started no worker")


def start_klieg(directory, files):
    http, https = free_port(), free_port()
    return Server("klieg", [BUILT / "bench_origin_klieg", files, http, https, directory / "cert.pem", directory / "key.pem",
                            "--congestion", CONGESTION], http, https)


def start_bare(files):
    http = free_port()
    return Server("bare", [BUILT / "bench_origin_bare", files, http, "--congestion", CONGESTION], http)


def check(server, files):
    """The same bytes come from every server, or the figures mean nothing."""
    anybody = ssl.create_default_context()
    anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
    addresses = [f"http://127.0.0.1:{server.http}"] + ([f"https://127.0.0.1:{server.https}"] if server.https else [])
    for file in sorted(files.iterdir()):
        for address in addresses:
            with urllib.request.urlopen(f"{address}/{file.name}", context=anybody if "https" in address else None) as response:
                if response.read() != file.read_bytes():
                    sys.exit(f"{server.name} sends other bytes for {file.name}")


def load_http1(server, path, connections, seconds):
    """us of CPU per request, requests per second"""
    said = run(BUILT / "bench_http_load", server.http, path, connections, seconds / 4, seconds, server.pid)
    found = json.loads(said)
    if found["errors"] or not found["requests"]:
        sys.exit(f"{server.name}: {found['errors']} failed requests for {path}")
    return found["cpu_seconds"] / found["requests"] * 1e6, found["requests"] / found["seconds"]


def load_h2load(server, path, connections, requests, flags):
    def once(count):
        before = server.cpu_seconds()
        said = run("h2load", *flags, "-t", 1, "-c", connections, "-n", count, f"https://127.0.0.1:{server.https}{path}")
        if f"{count} succeeded" not in said:
            sys.exit(f"{server.name}: h2load failed for {path}\n{said}")
        return server.cpu_seconds() - before, float(re.search(r"([\d.]+) req/s", said)[1])

    connecting, _ = once(connections)
    spent, rate = once(connections + requests)
    return (spent - connecting) / requests * 1e6, rate


def run(*command):
    process = subprocess.Popen(["taskset", "-c", "1", *map(str, command)], start_new_session=True, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    machine.prefer(process.pid)
    said, _ = process.communicate(timeout=300)
    if process.returncode != 0:
        sys.exit(f"{Path(command[0]).name} failed:\n{said}")
    return said


def build():
    subprocess.run(["cmake", "--build", machine.ROOT / "build/release", "--target", "bench_origin_klieg", "bench_origin_bare",
                    "bench_http_load"], check=True, stdout=sys.stderr)


def make_files(directory):
    files = directory / "files"
    files.mkdir()
    for kilobytes in (12, 62, 250):
        (files / f"s{kilobytes}k.m4s").write_bytes(os.urandom(kilobytes * 1000))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                    "-subj", "/CN=127.0.0.1", "-keyout", directory / "key.pem", "-out", directory / "cert.pem"],
                   check=True, capture_output=True)
    return files


def measure(servers, options):
    rounds = 1 if options.quick else 3
    rows, details = [], []
    for transport in ("HTTP/1.1", "HTTP/1.1 TLS", "HTTP/2 TLS"):
        for connections in (50,) if options.quick else (50, 1000):
            for kilobytes in (12, 62, 250):
                path = f"/s{kilobytes}k.m4s"
                requests = int(options.seconds * 1e6 / (10 + kilobytes))  # about `seconds` of one core
                figures = {}
                for _ in range(rounds):
                    for server in servers:
                        if transport == "HTTP/1.1":
                            figure = load_http1(server, path, connections, options.seconds)
                        elif not server.https:
                            continue
                        elif transport == "HTTP/1.1 TLS":
                            figure = load_h2load(server, path, connections, requests, ["--h1"])
                        else:
                            figure = load_h2load(server, path, connections, requests, ["-m", 10])
                        figures.setdefault(server.name, []).append(figure)
                cpu = {name: statistics.median(us for us, _ in found) for name, found in figures.items()}
                rate = {name: statistics.median(per_second for _, per_second in found) for name, found in figures.items()}
                ours = [us for us, _ in figures["klieg"]]
                rows.append([transport, connections, kilobytes, cpu["klieg"], cpu["nginx"], cpu.get("bare"),
                             cpu["klieg"] / cpu["nginx"], cpu["klieg"] / cpu["bare"] if "bare" in cpu else None,
                             round(rate["klieg"]), round(rate["nginx"]), round(rate["bare"]) if "bare" in rate else None,
                             f"{(max(ours) - min(ours)) / cpu['klieg']:.0%}"])
                details.append({"transport": transport, "connections": connections, "kilobytes": kilobytes, "rounds": figures})
                print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return rows, details


def main():
    options = machine.options(__doc__, seconds=(1.5, 0.5))
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    build()
    header = machine.print_header("origin", versions=["nginx", "h2load", "openssl", "clang"])
    print(METHOD, flush=True)
    columns = ["transport", "connections", "KB", "klieg us", "nginx us", "bare us", "klieg/nginx", "klieg/bare", "klieg r/s",
               "nginx r/s", "bare r/s", "spread"]
    servers = []
    with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="klieg-bench-") as temporary:
        directory = Path(temporary)
        try:
            files = make_files(directory)
            servers = [start_klieg(directory, files), start_nginx(directory, files), start_bare(files)]
            for server in servers:
                check(server, files)
            rows, details = measure(servers, options)
        finally:
            for server in servers:
                server.process.terminate()
                server.process.wait()
    print()
    print(machine.table(columns, rows))
    behind = [row for row in rows if row[6] >= 1]
    far = [row for row in rows if row[7] and row[7] > 1.25]
    print(f"\nahead of nginx in {len(rows) - len(behind)} of {len(rows)} rows; "
          f"within 25 % of the bare loop in {sum(row[7] is not None for row in rows) - len(far)} of "
          f"{sum(row[7] is not None for row in rows)}")
    if options.json:
        machine.write_json(options.json, "origin", header, columns, rows, method=METHOD, rounds=details)


if __name__ == "__main__":
    main()
