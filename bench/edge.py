"""edge: what a hit costs in a PoP's cache, and what a connection weighs, beside four other caches and a bare loop"""

import contextlib
import socket
import ssl
import statistics
import time

import hits
import machine
import servers

METHOD = f"""\
Caches before one parent, each of one thread or worker: klieg edge on one loop; nginx proxy_cache with files in tmpfs, sendfile,
tcp_nopush, open_file_cache; varnish, ats and haproxy from memory. Every request measured is a hit. Varnish has no TLS.
{hits.METHOD}
KiB per connection: growth of resident memory of a fresh process with open connections that have fetched 12 KB each and then
say nothing, divided by them; what the kernel keeps is not in it."""

KIB_PER_CONNECTION_MAX = 8
PATH = f"/s{hits.KILOBYTES[0]}k.m4s"


def hold(server, connections, secure):
    """Opens connections, each of which fetches one object; returns them."""
    anybody = ssl.create_default_context()
    anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
    held = []
    for _ in range(connections):
        one = socket.create_connection(("127.0.0.1", server.https if secure else server.http), 10)
        if secure:
            one = anybody.wrap_socket(one)
        one.sendall(f"GET {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        rest = None
        answer = b""
        while rest is None or len(answer) < rest:
            answer += one.recv(65536)
            if rest is None and b"\r\n\r\n" in answer:
                rest = answer.index(b"\r\n\r\n") + 4 + hits.KILOBYTES[0] * 1000
        held.append(one)
    return held


def weigh(bench, name, parent, connections, secure):
    """KiB of a connection. The first ten are not counted: with them a server makes what it has once."""
    server = bench.start_cache(name, parent)
    if secure and not server.https:
        return None
    with contextlib.ExitStack() as stack:
        for one in hold(server, 10, secure):
            stack.enter_context(one)
        before = server.memory_bytes()
        for one in hold(server, connections, secure):
            stack.enter_context(one)
        time.sleep(0.2)
        grown = server.memory_bytes() - before
    bench.stop(server)
    return grown / 1024 / connections


def main():
    options = machine.options(__doc__, seconds=(1.5, 0.3), arguments=[servers.CACHES_ARGUMENT])
    servers.raise_file_limit()
    servers.build("bench_origin_bare", "bench_http_load")
    header = machine.print_header("edge", versions=[*servers.VERSIONS, "h2load", "openssl", "clang"])
    print(METHOD, flush=True)
    names = servers.chosen(servers.CACHES, options.caches)
    with servers.Bench() as bench:
        files = hits.make_files(bench.directory)
        parent = bench.start_bare(files, core=servers.LOAD_CORE)
        connections = 200 if options.quick else 1000
        rounds = 1 if options.quick else 3
        weights = [[name, *(statistics.median(found) if all(found) else None for found in (
            [weigh(bench, name, parent.address, connections, secure) for _ in range(rounds)] for secure in (False, True)))]
            for name in names]
        started = [bench.start_cache(name, parent.address) for name in names] + [bench.start_bare(files)]
        for server in started:
            hits.check(server, files)
        rows, details = hits.measure(started, options)
    columns = hits.columns(started)
    print(f"\n{machine.table(columns, rows)}\n\n{hits.verdict(started, rows)}\n")
    print(machine.table(["cache", "KiB per connection", "TLS"], weights))
    print(f"(aim: klieg at most {KIB_PER_CONNECTION_MAX} KiB clear)")
    if options.json:
        machine.write_json(options.json, "edge", header, columns, rows, method=METHOD, rounds=details,
                           kib_per_connection=[dict(zip(("cache", "clear", "tls"), row)) for row in weights])


if __name__ == "__main__":
    main()
