// A low-latency window of media for tests: ffmpeg sends chunked CMAF and an MPD by HTTP PUT; from the same bytes come
// LL-DASH (segments sent as they grow) and LL-HLS (a part per chunk, blocking reload).

const part_hold_back_s = 0.65; // three parts of 200 ms and a frame
const window_segments = 30;
const hold_ms = 5_000;
// ffmpeg's AAC begins one frame early. A playlist that does not say so is 21 ms wrong, and after a seek hls.js takes
// the end of what it has for the middle of a segment, and waits until that one's parts leave the playlist.
const priming_ms = (1000 * 1024) / 48_000;

export class FakePackager {
  #names; // of the tracks, by their number: "video", "360p", ..., "audio" last
  #renditions;
  #gaps = new Set(); // names of tracks that have nothing for viewers at present
  asked = []; // the names of what was asked for, for tests to look at
  #files = new Map(); // name -> { pieces: Buffer[], size, done }
  #tracks = new Map(); // "0" -> Map of segment number -> { parts: [{ start, end, duration_s }], done }
  #defaults = new Map(); // "0" -> { timescale }
  #start_ms = NaN;
  #waiting = new Set(); // called whenever anything was born

  // `renditions`: of the picture: { name, width, height, bitrate }.
  constructor(renditions) {
    this.#renditions = renditions;
    this.#names = [...renditions.map((one) => one.name), "audio"];
  }

  // From the next segment on, a rung has gaps, as one that was shed; or media again.
  set_gap(name, on) {
    if (on) this.#gaps.add(name);
    else this.#gaps.delete(name);
  }

  put(name, request) {
    const file = { pieces: [], size: 0, done: false };
    this.#files.set(name, file);
    const segment = /^chunk-stream(\d+)-(\d+)\.m4s$/.exec(name);
    const track = segment && this.#segment(segment[1], Number(segment[2]));
    let tail = Buffer.alloc(0); // from the start of the first box that is not complete
    let part_start = 0;
    let duration_s = 0;
    request.on("data", (piece) => {
      file.pieces.push(piece);
      file.size += piece.length;
      tail = Buffer.concat([tail, piece]);
      while (track && tail.length >= 8 && tail.length >= tail.readUInt32BE(0)) {
        const size = tail.readUInt32BE(0);
        const type = tail.toString("latin1", 4, 8);
        if (type === "moof") duration_s = moof_ticks(tail.subarray(0, size)) / this.#defaults.get(segment[1]);
        tail = tail.subarray(size);
        if (type !== "mdat") continue;
        track.parts.push({ start: part_start, end: file.size - tail.length, duration_s });
        part_start = file.size - tail.length;
      }
      this.#wake();
    });
    request.on("end", () => {
      file.done = true;
      if (track) track.done = true;
      const text = Buffer.concat(file.pieces);
      if (name.startsWith("init-stream")) this.#defaults.set(/\d+/.exec(name)[0], timescale_of(text));
      if (name.endsWith(".mpd")) this.#start_ms = Date.parse(/availabilityStartTime="([^"]+)"/.exec(text)?.[1]);
      this.#wake();
    });
  }

  get has_picture() {
    return this.#names.every((_, i) => (this.#tracks.get(String(i))?.size ?? 0) > 3) && this.#start_ms > 0;
  }

  // Answers a request for anything under /live/NAME/; false: there is nothing of that name.
  async serve(name, query, response) {
    this.asked.push(name);
    const playlist = /^(.+)\.m3u8$/.exec(name);
    const part = /^part-(\d+)-(\d+)-(\d+)\.m4s$/.exec(name);
    if (name === "index.m3u8") return send(response, "application/vnd.apple.mpegurl", this.#multivariant());
    if (playlist && !this.#names.includes(playlist[1])) return false;
    if (playlist) return this.#serve_playlist(String(this.#names.indexOf(playlist[1])), query, response);
    if (part) return this.#serve_part(part[1], Number(part[2]), Number(part[3]), response);
    const file = this.#files.get(name.replace(/(?<=-stream)[^-.]*[^-.\d][^-.]*/, (track) => this.#names.indexOf(track)));
    if (!file) return false;
    if (name.endsWith(".mpd")) return send(response, "application/dash+xml", this.#manifest(Buffer.concat(file.pieces)));
    response.writeHead(200, { "content-type": "video/mp4" });
    for (let next = 0; ; ) {
      while (next < file.pieces.length) response.write(file.pieces[next++]);
      if (file.done || response.destroyed) break;
      await this.#next_birth(hold_ms);
    }
    response.end();
    return true;
  }

  async #serve_playlist(track, query, response) {
    const msn = Number(query.get("_HLS_msn") ?? -1);
    const part = Number(query.get("_HLS_part") ?? -1);
    const late_ms = Date.now() + hold_ms;
    const born = () => {
      const numbers = [...this.#tracks.get(track).keys()];
      const segment = this.#tracks.get(track).get(msn);
      return msn < 0 || Math.max(...numbers) > msn || (segment && (part < 0 ? segment.done : segment.parts.length > part));
    };
    while (!born() && Date.now() < late_ms) await this.#next_birth(hold_ms);
    return send(response, "application/vnd.apple.mpegurl", this.#playlist(track));
  }

  async #serve_part(track, number, index, response) {
    const found = this.#tracks.get(track)?.get(number)?.parts[index];
    if (!found) return false;
    const file = this.#files.get(segment_name(track, number));
    return send(response, "video/mp4", Buffer.concat(file.pieces).subarray(found.start, found.end));
  }

  #playlist(track) {
    const segments = [...this.#tracks.get(track)].slice(-window_segments);
    const all = [...this.#tracks.get(track).values()];
    const length_s = (segment) => segment.parts.reduce((sum, part) => sum + part.duration_s, 0);
    const early_ms = this.#is_sound(track) ? priming_ms : 0;
    let at_ms = this.#start_ms - early_ms + 1000 * all.slice(0, all.length - segments.length).reduce((sum, one) => sum + length_s(one), 0);
    const lines = [
      "#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:1\n#EXT-X-PART-INF:PART-TARGET=0.22",
      `#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=${part_hold_back_s}`,
      `#EXT-X-MEDIA-SEQUENCE:${segments[0][0]}\n#EXT-X-MAP:URI="init-stream${track}.m4s"`,
    ];
    segments.forEach(([number, segment], i) => {
      lines.push(`#EXT-X-PROGRAM-DATE-TIME:${new Date(at_ms).toISOString()}`);
      if (i >= segments.length - 4 && !segment.gap)
        segment.parts.forEach((part, k) => {
          const independent = this.#is_sound(track) || k === 0 ? ",INDEPENDENT=YES" : "";
          lines.push(`#EXT-X-PART:DURATION=${part.duration_s.toFixed(5)},URI="part-${track}-${number}-${k}.m4s"${independent}`);
        });
      if (segment.done && segment.gap) lines.push("#EXT-X-GAP");
      if (segment.done) lines.push(`#EXTINF:${length_s(segment).toFixed(5)},\n${segment_name(track, number)}`);
      at_ms += 1000 * length_s(segment);
    });
    return lines.join("\n") + "\n";
  }

  #is_sound(track) {
    return this.#names[Number(track)] === "audio";
  }

  #multivariant() {
    const lines = [
      "#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-INDEPENDENT-SEGMENTS",
      '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="sound",NAME="sound",DEFAULT=YES,AUTOSELECT=YES,URI="audio.m3u8"',
    ];
    for (const { name, width, height, bitrate } of this.#renditions)
      lines.push(
        `#EXT-X-STREAM-INF:BANDWIDTH=${bitrate + 70_000},CODECS="avc1.42c01e,mp4a.40.2",RESOLUTION=${width}x${height},FRAME-RATE=30,AUDIO="sound"\n${name}.m3u8`,
      );
    if (this.#renditions.length > 1) lines.push('#EXT-X-STREAM-INF:BANDWIDTH=70000,CODECS="mp4a.40.2",AUDIO="sound"\naudio.m3u8');
    return lines.join("\n") + "\n";
  }

  // ffmpeg numbers what we name, and does not know about gaps.
  #manifest(content) {
    return content
      .toString()
      .replace(/minimumUpdatePeriod="[^"]*"/, 'minimumUpdatePeriod="PT1S"')
      .replace(/[ \t]*<Representation id="(\d+)"[^]*?<\/Representation>\n/g, (text, number) => {
        const name = this.#names[Number(number)];
        return this.#gaps.has(name) ? "" : text.replace(/id="\d+"/, `id="${name}"`);
      });
  }

  #segment(track, number) {
    if (!this.#tracks.has(track)) this.#tracks.set(track, new Map());
    const segment = { parts: [], done: false, gap: this.#gaps.has(this.#names[Number(track)]) };
    this.#tracks.get(track).set(number, segment);
    return segment;
  }

  #wake() {
    for (const wake of [...this.#waiting]) wake();
  }

  #next_birth(at_most_ms) {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, at_most_ms);
      this.#waiting.add(wake);
    });
  }
}

const segment_name = (track, number) => `chunk-stream${track}-${String(number).padStart(5, "0")}.m4s`;

function send(response, type, content) {
  response.writeHead(200, { "content-type": type, "content-length": Buffer.byteLength(content) });
  response.end(content);
  return true;
}

function child(box, type, header = 8) {
  for (let at = header; at + 8 <= box.length; at += box.readUInt32BE(at))
    if (box.toString("latin1", at + 4, at + 8) === type) return box.subarray(at, at + box.readUInt32BE(at));
  throw new Error(`no ${type}`);
}

function timescale_of(init) {
  const mdhd = child(child(child(child(init, "moov", 0), "trak"), "mdia"), "mdhd");
  return mdhd.readUInt32BE(mdhd[8] === 1 ? 28 : 20);
}

// ISO/IEC 14496-12, 8.8.7 and 8.8.8: how long the samples of a moof with one traf last.
function moof_ticks(moof) {
  const traf = child(moof, "traf");
  const tfhd = child(traf, "tfhd");
  const trun = child(traf, "trun");
  const tfhd_flags = tfhd.readUInt32BE(8) & 0xffffff;
  const flags = trun.readUInt32BE(8) & 0xffffff;
  const count = trun.readUInt32BE(12);
  if (!(flags & 0x100)) {
    const at = 16 + (tfhd_flags & 1 ? 8 : 0) + (tfhd_flags & 2 ? 4 : 0);
    return tfhd_flags & 8 ? count * tfhd.readUInt32BE(at) : 0;
  }
  const field = [0x100, 0x200, 0x400, 0x800].filter((flag) => flags & flag).length * 4;
  const first = 16 + (flags & 1 ? 4 : 0) + (flags & 4 ? 4 : 0);
  let ticks = 0;
  for (let i = 0; i < count; ++i) ticks += trun.readUInt32BE(first + i * field);
  return ticks;
}
