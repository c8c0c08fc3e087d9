"""origin: what a finished-segment hit costs, beside nginx and a bare loop"""

import hits
import machine
import servers

METHOD = f"""\
  klieg   http::Server on one loop, answering from completed logs
  nginx   one worker: sendfile, tcp_nopush, open_file_cache, files in tmpfs
{hits.METHOD}"""


def main():
    options = machine.options(__doc__, seconds=(1.5, 0.5))
    servers.raise_file_limit()
    servers.build("bench_origin_klieg", "bench_origin_bare", "bench_http_load")
    header = machine.print_header("origin", versions=["nginx", "h2load", "openssl", "clang"])
    print(METHOD, flush=True)
    with servers.Bench() as bench:
        files = hits.make_files(bench.directory)
        started = [bench.start_klieg_files(files), bench.start_nginx_files(files), bench.start_bare(files)]
        for server in started:
            hits.check(server, files)
        rows, details = hits.measure(started, options)
    columns = hits.columns(started)
    print(f"\n{machine.table(columns, rows)}\n\n{hits.verdict(started, rows)}")
    if options.json:
        machine.write_json(options.json, "origin", header, columns, rows, method=METHOD, rounds=details)


if __name__ == "__main__":
    main()
