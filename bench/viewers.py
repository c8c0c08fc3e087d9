"""Viewers of one broadcast, as players of LL-HLS and LL-DASH ask, for `bench tree`. A program of its own, since it may have to run in
another network namespace.

    viewers.py HOST:PORT CHANNEL --hls N --dash N --settle S --seconds S

Each viewer asks for each track over a connection of its own: LL-HLS by blocking reloads and parts as files, LL-DASH with one request
per segment, asked before the segment is born, and for the manifest once a second. Prints "steady" after settling, and figures of the seconds after it as one line
of JSON: requests, those not answered 200, and `arrivals` of the first DASH viewer's segments: [bytes, CLOCK_REALTIME ns]
by name, by the kernel's stamps.
"""

import argparse
import gzip
import json
import re
import socket
import struct
import sys
import threading
import time

SO_TIMESTAMPNS = 35
TIMESPEC = struct.Struct("qq")


class Conversation:
    """A keep-alive connection for HTTP/1.1."""

    def __init__(self, address):
        host, _, port = address.rpartition(":")
        self.host = host
        self.socket = socket.create_connection((host, int(port)), 10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.came, self.stamp_ns = b"", 0

    def more(self):
        data, control, _, _ = self.socket.recvmsg(65536, socket.CMSG_SPACE(TIMESPEC.size))
        if not data:
            raise ConnectionError("closed in the middle of an answer")
        for level, kind, value in control:
            if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
                seconds, ns = TIMESPEC.unpack(value)
                self.stamp_ns = seconds * 10**9 + ns
        self.came += data

    def take_until(self, mark):
        while mark not in self.came:
            self.more()
        head, _, self.came = self.came.partition(mark)
        return head

    def take(self, size, progress):
        """`size` bytes; `progress` hears of each piece as it comes."""
        taken = b""
        while len(taken) < size:
            if not self.came:
                self.more()
            piece, self.came = self.came[:size - len(taken)], self.came[size - len(taken):]
            taken += piece
            progress(len(piece), self.stamp_ns)
        return taken

    def get(self, path, progress=lambda size, stamp_ns: None):
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: {self.host}\r\nAccept-Encoding: gzip\r\n\r\n".encode())
        head = self.take_until(b"\r\n\r\n").decode().lower()
        status = int(head.split(" ", 2)[1])
        body = b""
        if "transfer-encoding: chunked" in head:
            while size := int(self.take_until(b"\r\n").split(b";")[0], 16):
                body += self.take(size, progress)
                self.take_until(b"\r\n")
            self.take_until(b"\r\n")
        elif length := re.search(r"content-length: (\d+)", head):
            body = self.take(int(length[1]), progress)
        if "content-encoding: gzip" in head:
            body = gzip.decompress(body)
        return status, body


class Count:
    def __init__(self):
        self.lock, self.on = threading.Lock(), False
        self.requests, self.refused, self.first_refused, self.lost, self.arrivals = 0, 0, "", 0, {}

    def note(self, path, status):
        with self.lock:
            self.requests += self.on
            if status != 200 and self.on:
                self.refused += 1
                self.first_refused = self.first_refused or f"{status} for {path}"


def state_of(playlist):
    """The segment that is being made, how many of its parts there are, and the newest part's name."""
    text = playlist.decode()
    first = int(re.search(r"#EXT-X-MEDIA-SEQUENCE:(\d+)", text)[1])
    finished = text.count("#EXTINF")
    parts = re.findall(r'#EXT-X-PART:.*?URI="([^"]+)"', text)
    open_parts = text.rpartition("#EXTINF")[2].count("#EXT-X-PART:")
    return first + finished, open_parts, parts[-1] if parts else None


def watch_hls(ask, folder, track):
    segment, parts, newest = state_of(ask(f"{folder}/{track}.m3u8"))
    while True:
        segment, parts, newest = state_of(ask(f"{folder}/{track}.m3u8?_HLS_msn={segment}&_HLS_part={parts}"))
        if newest:
            ask(f"{folder}/{newest}")


def watch_dash(ask, folder, track, count, first):
    number, _, _ = state_of(ask(f"{folder}/{track}.m3u8"))
    while True:
        number += 1
        pieces, taken = [], 0

        def progress(size, stamp_ns):
            nonlocal taken
            taken += size
            pieces.append((taken, stamp_ns))

        ask(f"{folder}/{track}-{number}.m4s", progress)
        if first and count.on:
            count.arrivals[f"{track}-{number}"] = pieces


def watch_manifest(ask, channel):
    while True:
        ask(f"/live/{channel}/manifest.mpd")
        time.sleep(1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("address")
    parser.add_argument("channel")
    for name in ("hls", "dash"):
        parser.add_argument(f"--{name}", type=int, default=0)
    for name in ("settle", "seconds"):
        parser.add_argument(f"--{name}", type=float, default=3)
    options = parser.parse_args()
    count = Count()

    def view(kind, track, first):
        try:
            conversation = Conversation(options.address)

            def ask(path, *progress):
                status, body = conversation.get(path, *progress)
                count.note(path, status)
                if status != 200:
                    raise ConnectionError(f"{status} for {path}")
                return body

            if track == "manifest":
                watch_manifest(ask, options.channel)
            listing = ask(f"/live/{options.channel}/index.m3u8").decode()
            folder = f"/live/{options.channel}/" + re.search(r"^([^/\s#]+)/video\.m3u8$", listing, re.MULTILINE)[1]
            if kind == "hls":
                watch_hls(ask, folder, track)
            else:
                watch_dash(ask, folder, track, count, first)
        except (OSError, ValueError, TypeError) as error:
            with count.lock:
                count.lost += 1
                count.first_refused = count.first_refused or repr(error)

    for kind, viewers in (("hls", options.hls), ("dash", options.dash)):
        for number in range(viewers):
            for track in ("video", "audio", *(["manifest"] if kind == "dash" else [])):
                threading.Thread(target=view, args=(kind, track, kind == "dash" and number == 0), daemon=True).start()
    time.sleep(options.settle)
    count.on = True
    print("steady", flush=True)
    time.sleep(options.seconds)
    with count.lock:
        count.on = False
        print(json.dumps({"requests": count.requests, "refused": count.refused, "lost": count.lost, "first_refused": count.first_refused,
                          "arrivals": dict(count.arrivals)}), flush=True)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
