"""The HTTP servers and caches that benchmarks measure: each started on loopback ports with a folder of its own, on one core.

    with servers.Bench() as bench:                    # temporary folder, everything stopped at the end
        parent = bench.start_bare(files, core=1)
        nginx = bench.start_nginx_cache(parent.address)
        nginx.cpu_seconds(), nginx.memory_bytes()

A cache is told what its manual says about collapsing requests and about large live objects, has one thread or one worker, keeps
64 MB in memory or tmpfs, and writes no access log. All sockets that listen use the same congestion control.
"""

import contextlib
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import machine

BUILT = machine.ROOT / "build/release/bench"
NODE_SECRET = "a secret that the nodes of a benchmark share"
CONGESTION = "cubic"
SERVER_CORE, LOAD_CORE = 0, 1
CACHES = ("klieg", "nginx", "varnish", "ats", "haproxy")
VERSIONS = ("klieg", "nginx", "varnish", "trafficserver", "haproxy")


def raise_file_limit():
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def build(*targets):
    subprocess.run(["tools/build_preset", "release", *targets, "bench_congestion_preload"], cwd=machine.ROOT, check=True,
                   stdout=sys.stderr)


def chosen(names, wanted):
    """Those of `names` whose first word is among `wanted`, by default all; bare is always there to compare with."""
    return [name for name in names if not wanted or name == "bare" or name.split()[0] in wanted]


CACHES_ARGUMENT = ("--caches", {"nargs": "*", "choices": CACHES, "metavar": "NAME", "help": f"instead of {' '.join(CACHES)}"})


def make_certificate(directory):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                    "-subj", "/CN=127.0.0.1", "-keyout", directory / "key.pem", "-out", directory / "cert.pem"],
                   check=True, capture_output=True)
    both = (directory / "cert.pem").read_text() + (directory / "key.pem").read_text()
    (directory / "both.pem").write_text(both)


def children_of(pid):
    with contextlib.suppress(OSError):
        return [int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()]
    return []


def processes_of(pid):
    """A process and all below it."""
    return [pid, *(one for child in children_of(pid) for one in processes_of(child))]


def run_on_load_core(*command, timeout=300):
    """Runs a load tool and returns what it says."""
    process = subprocess.Popen(["taskset", "-c", str(LOAD_CORE), *map(str, command)], start_new_session=True, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    machine.prefer(process.pid)
    said, _ = process.communicate(timeout=timeout)
    if process.returncode != 0:
        sys.exit(f"{Path(command[0]).name} failed:\n{said}")
    return said


def on_air(serve):
    """A test card on the channel cam of a `klieg serve`, whose key is "key"; returns the camera once the broadcast can be watched."""
    card = start_test_card(f"rtmp://127.0.0.1:{serve.rtmp}/live/key")
    wait_until_on_air(serve, "cam")
    return card


def start_test_card(url, inside=()):
    """`inside` may put it into another namespace."""
    card = subprocess.Popen([*inside, machine.KLIEG, "testcard", "--to", url, "--size", "640x360", "--bitrate", "500k"],
                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    machine.prefer(card.pid)  # an encoder that is late loses frames
    return card


def wait_until_on_air(serve, channel):
    for _ in range(150):
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{serve.http}/live/{channel}/index.m3u8").read()
            return
        time.sleep(0.1)
    sys.exit(f"{channel} did not come on air")


def small_recording(gop_s):
    """The file of 30 s at 300 kbit/s, as Periscope's broadcasts had, with a key frame every `gop_s`; made once."""
    path = machine.ROOT / f"build/bench/small_{gop_s}s.flv"
    machine.make_recording(path, seconds=30, noise=12, video_kbps=236, gop_s=gop_s)
    return path


@contextlib.contextmanager
def publishing(recording, url, inside=()):
    """`klieg publish`, over and over and with stamps, for as long as it is wished; `inside` may put it into another namespace."""
    camera = subprocess.Popen([*inside, "taskset", "-c", str(LOAD_CORE), machine.KLIEG, "publish", recording, "--to", url, "--loop",
                               "--stamp"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              start_new_session=True)
    machine.prefer(camera.pid)
    try:
        yield camera
    finally:
        camera.kill()
        camera.wait()


class Server:
    """A running server: `pid` is the process that serves, `top` the one that was started; `http` and `https` are ports."""

    def __init__(self, name, command, http, https=None, *, core=SERVER_CORE, log, serves_in_child=False, environment=None,
                 prefix=()):
        self.name, self.http, self.https, self.log = name, http, https, log
        preload = {"LD_PRELOAD": str(BUILT / "bench_congestion_preload.so"), "BENCH_CONGESTION": CONGESTION}
        with open(log, "w") as out:
            self.process = subprocess.Popen([*prefix, "taskset", "-c", str(core), "env", *(f"{k}={v}" for k, v in preload.items()),
                                             *map(str, command)],
                                            start_new_session=True, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                            env={**os.environ, **(environment or {})})
        self.top = self.pid = self.process.pid
        machine.prefer(self.top)
        self.serves_in_child = serves_in_child

    @property
    def address(self):
        return f"127.0.0.1:{self.http}"

    def wait_until_it_serves(self):
        self._wait(self._listens)
        if self.serves_in_child:
            self._wait(lambda: children_of(self.top))
            self.pid = children_of(self.top)[0]
        return self

    def ready(self):
        """The pairs of a line "ready NAME=HOST:PORT ..."."""
        self._wait(lambda: re.search(r"^ready .*\n", self.log.read_text(), re.MULTILINE))
        return dict(re.findall(r"(\w+)=(\S+)", re.search(r"^ready .*", self.log.read_text(), re.MULTILINE)[0]))

    def _listens(self):
        with contextlib.suppress(OSError):  # of its own network namespace
            return f":{self.http:04X} 00000000:0000 0A" in Path(f"/proc/{self.top}/net/tcp").read_text()
        return False

    def _wait(self, condition):
        deadline = time.monotonic() + 15
        while not condition():
            if time.monotonic() > deadline or self.process.poll() is not None:
                sys.exit(f"{self.name} did not start:\n{self.log.read_text()[-2000:]}")
            time.sleep(0.05)

    def cpu_seconds(self):
        tasks = Path(f"/proc/{self.pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9

    def memory_bytes(self, kind="VmRSS"):
        """Resident memory of all its processes; VmHWM: the most since forget_peak()."""
        total = 0
        for pid in processes_of(self.top):
            found = re.search(rf"^{kind}:\s*(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
            total += int(found[1]) * 1024 if found else 0
        return total

    def forget_peak(self):
        for pid in processes_of(self.top):
            Path(f"/proc/{pid}/clear_refs").write_text("5")

    def stop(self):
        pids = processes_of(self.top)
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(3)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for pid in pids[1:]:  # a child that outlives its parent
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)


class Bench:
    """Starts servers in one temporary folder, and stops what still runs when the benchmark ends. Their command lines stand behind
    `prefix`, which may put them into another network namespace."""

    prefix = ()

    def __enter__(self):
        self._temporary = tempfile.TemporaryDirectory(dir="/dev/shm", prefix="klieg-bench-", ignore_cleanup_errors=True)
        self.directory = Path(self._temporary.name)
        self._started = []
        make_certificate(self.directory)
        return self

    def __exit__(self, *_):
        for server in self._started:
            server.stop()
        self._temporary.cleanup()

    def stop(self, server):
        server.stop()
        self._started.remove(server)

    def folder(self, name):
        return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.directory))

    def start(self, name, command, http, https=None, *, folder=None, wait=True, **more):
        server = Server(name, command, http, https, log=(folder or self.folder(name)) / "said", prefix=self.prefix,
                        **more)
        self._started.append(server)
        return server.wait_until_it_serves() if wait else server

    def start_cache(self, name, parent, **more):
        """One of CACHES, before the server at the address `parent`."""
        return {"klieg": self.start_klieg_edge, "nginx": self.start_nginx_cache, "varnish": self.start_varnish,
                "ats": self.start_ats, "haproxy": self.start_haproxy}[name](parent, **more)

    # What answers from its own files or memory.

    def start_klieg_serve(self, arguments=(), core=SERVER_CORE):
        """`klieg serve` with the channel cam, whose key is "key"; no ladder."""
        folder = self.folder("serve")
        server = self.start("klieg serve", [machine.KLIEG, "serve", "--data", folder / "data", "--http", "127.0.0.1:0",
                                            "--rtmp", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--channel", "cam:key",
                                            "--ladder", "none", "--server-loops", 1, "--node-secret", NODE_SECRET,
                                            *arguments],
                            None, folder=folder, wait=False, core=core)
        said = server.ready()
        server.http, server.rtmp, server.admin = (int(said[name].rpartition(":")[2]) for name in ("http", "rtmp", "admin"))
        return server

    def start_bare(self, files, core=SERVER_CORE):
        http = free_port()
        return self.start("bare", [BUILT / "bench_origin_bare", files, http], http, core=core)

    def start_growing_origin(self, name="origin", core=LOAD_CORE):
        http = free_port()
        return self.start(name, [BUILT / "bench_growing_origin", http], http, core=core)

    def start_klieg_files(self, files):
        http, https = free_port(), free_port()
        return self.start("klieg", [BUILT / "bench_origin_klieg", files, http, https, self.directory / "cert.pem",
                                    self.directory / "key.pem"], http, https)

    def start_nginx_files(self, files):
        return self._start_nginx(f"""
            root {files};
            add_header cache-control "public, max-age=31536000, immutable"; add_header access-control-allow-origin "*";""")

    # Caches.

    def start_klieg_edge(self, parent, arguments=(), core=SERVER_CORE):
        folder = self.folder("klieg")
        server = self.start("klieg", [machine.KLIEG, "edge", "--parent", f"http://{parent}", "--http", "127.0.0.1:0",
                                      "--https", "127.0.0.1:0", "--tls-cert", self.directory / "cert.pem",
                                      "--tls-key", self.directory / "key.pem", "--admin", "127.0.0.1:0",
                                      "--server-loops", 1, "--node-secret", NODE_SECRET, *arguments],
                            None, folder=folder, wait=False, core=core)
        said = server.ready()
        server.http = int(said["http"].rpartition(":")[2])
        server.https = int(said["https"].rpartition(":")[2]) if "https" in said else None
        server.admin = int(said["admin"].rpartition(":")[2])
        server.rtmp, server.rtmps = (int(said[name].rpartition(":")[2]) if name in said else None for name in ("rtmp", "rtmps"))
        return server

    def start_nginx_cache(self, parent, core=SERVER_CORE):
        # Locks as they come: with longer ones, whoever waits for a request that was lost waits longer.
        cache = self.folder("nginx-cache")
        return self._start_nginx(
            "location / { proxy_pass http://parent; }",
            f"""upstream parent {{ server {parent}; keepalive 64; }}
            proxy_cache_path {cache} levels=1:2 keys_zone=objects:16m max_size=64m inactive=1h use_temp_path=off;
            proxy_cache objects; proxy_cache_lock on; proxy_cache_key $request_uri;
            proxy_http_version 1.1; proxy_set_header Connection "";
            proxy_buffer_size 16k; proxy_buffers 16 16k;""", core)

    def _start_nginx(self, in_server, in_http="", core=SERVER_CORE):
        folder, http, https = self.folder("nginx"), free_port(), free_port()
        config = folder / "nginx.conf"
        config.write_text(f"""
            daemon off; worker_processes 1; {"user root;" if os.getuid() == 0 else ""} pid {folder}/pid; error_log stderr crit;
            worker_rlimit_nofile {raise_file_limit()};
            events {{ worker_connections 16384; }}
            http {{
              access_log off; sendfile on; tcp_nopush on; tcp_nodelay on; etag on;
              open_file_cache max=1000 inactive=1h; open_file_cache_valid 1h;
              keepalive_requests 1000000000; keepalive_timeout 1h; http2_max_concurrent_streams 100;
              http2_chunk_size 16k; output_buffers 2 256k;
              types {{ video/mp4 m4s; }}
              client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
              uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
              {in_http}
              server {{
                listen 127.0.0.1:{http} backlog=4096;
                listen 127.0.0.1:{https} ssl http2 backlog=4096;
                ssl_certificate {self.directory}/cert.pem; ssl_certificate_key {self.directory}/key.pem;
                ssl_protocols TLSv1.2 TLSv1.3;
                {in_server}
              }}
            }}""")
        nginx = shutil.which("nginx") or "/usr/sbin/nginx"
        return self.start("nginx", [nginx, "-p", folder, "-c", config], http, https, folder=folder, core=core, serves_in_child=True)

    def start_varnish(self, parent, core=SERVER_CORE):
        # A thread for each request that waits; an answer 404 is kept for a tenth of a second, as live caches do.
        folder, http = self.folder("varnish"), free_port()
        config = folder / "default.vcl"
        config.write_text(f"""vcl 4.1;
            backend parent {{ .host = "{parent.partition(":")[0]}"; .port = "{parent.partition(":")[2]}"; }}
            sub vcl_backend_response {{ if (beresp.status == 404) {{ set beresp.ttl = 100ms; set beresp.grace = 0s; }} }}""")
        parameters = {"thread_pools": 1, "thread_pool_min": 100, "thread_pool_max": 6000, "thread_pool_add_delay": 0,
                      "listen_depth": 4096, "vsl_space": "16m", "timeout_idle": 3600}
        varnish = shutil.which("varnishd") or "/usr/sbin/varnishd"
        return self.start("varnish", [varnish, "-F", "-j", "none", "-n", folder / "work", "-a", f"127.0.0.1:{http}", "-f", config,
                                      "-s", "malloc,64m", *(word for name, value in parameters.items() for word in ("-p", f"{name}={value}"))],
                          http, folder=folder, core=core, serves_in_child=True)

    def start_haproxy(self, parent, core=SERVER_CORE):
        # It cannot collapse requests. maxconn: two descriptors each, under the limit of files.
        folder, http, https = self.folder("haproxy"), free_port(), free_port()
        config = folder / "haproxy.cfg"
        config.write_text(f"""
global
  nbthread 1
  maxconn {min(9000, raise_file_limit() // 2 - 500)}
defaults
  mode http
  timeout connect 10s
  timeout client 1h
  timeout server 60s
  timeout http-keep-alive 1h
cache objects
  total-max-size 64
  max-object-size 2000000
  max-age 3600
frontend viewers
  bind 127.0.0.1:{http} backlog 4096
  bind 127.0.0.1:{https} backlog 4096 ssl crt {self.directory}/both.pem alpn h2,http/1.1
  http-request cache-use objects
  http-response cache-store objects
  default_backend parent
backend parent
  server parent {parent}
""")
        haproxy = shutil.which("haproxy") or "/usr/sbin/haproxy"
        return self.start("haproxy", [haproxy, "-db", "-f", config], http, https, folder=folder, core=core)

    def start_ats(self, parent, core=SERVER_CORE):
        # Read-while-writer and collapsing as its guide has them for live streams.
        folder, http, https = self.folder("ats"), free_port(), free_port()
        for name in ("etc", "run", "log", "cache"):
            (folder / name).mkdir()
        (folder / "runroot.yaml").write_text(f"""\
prefix: {folder}
exec_prefix: {folder}
bindir: /usr/bin
sbindir: /usr/bin
sysconfdir: {folder}/etc
datadir: {folder}
localstatedir: {folder}/run
runtimedir: {folder}/run
logdir: {folder}/log
cachedir: {folder}/cache
libdir: /usr/lib/trafficserver
libexecdir: /usr/lib/trafficserver/modules
""")
        settings = {
            "exec_thread.autoconfig": 0, "exec_thread.limit": 1, "accept_threads": 0, "task_threads": 1,
            "http.server_ports": f"{http}:ip-in=127.0.0.1 {https}:ip-in=127.0.0.1:ssl",
            "admin.user_id": "#-1", "log.logging_enabled": 0, "diags.output.status": "E", "diags.output.note": "E",
            "reverse_proxy.enabled": 1, "url_remap.remap_required": 1, "http.cache.http": 1,
            "cache.ram_cache.size": "64M", "cache.ram_cache_cutoff": 4194304,
            "cache.enable_read_while_writer": 1, "http.background_fill_active_timeout": 0,
            "http.background_fill_completed_threshold": 0.0, "cache.max_doc_size": 0,
            "http.cache.open_read_retry_time": 10, "http.cache.max_open_read_retries": 500,
            "http.cache.open_write_fail_action": 5, "http.negative_caching_enabled": 0,
            "net.connections_throttle": 18000, "net.listen_backlog": 4096, "http.keep_alive_no_activity_timeout_in": 3600,
            "http.transaction_no_activity_timeout_in": 3600, "net.tcp_congestion_control_in": CONGESTION,
            "ssl.server.cert.path": str(self.directory), "ssl.server.private_key.path": str(self.directory),
        }
        kind = {int: "INT", float: "FLOAT", str: "STRING"}
        (folder / "etc/records.config").write_text("".join(
            f"CONFIG proxy.config.{name} {kind[type(value)]} {value}\n" for name, value in settings.items()))
        (folder / "etc/storage.config").write_text(f"{folder}/cache 64M\n")
        (folder / "etc/remap.config").write_text(f"map / http://{parent}/\n")
        (folder / "etc/ssl_multicert.config").write_text("dest_ip=* ssl_cert_name=cert.pem ssl_key_name=key.pem\n")
        (folder / "etc/ip_allow.yaml").write_text("ip_allow:\n  - apply: in\n    ip_addrs: 127.0.0.1\n    action: allow\n    methods: ALL\n")
        for name in ("plugin", "cache", "hosting", "parent", "socks", "splitdns", "volume"):
            (folder / f"etc/{name}.config").write_text("")
        server = shutil.which("traffic_server") or "/usr/bin/traffic_server"
        return self.start("ats", [server, f"--run-root={folder}/runroot.yaml"], http, https, folder=folder, core=core)
