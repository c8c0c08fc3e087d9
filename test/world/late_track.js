// An encoder whose sound or picture comes late, as when somebody plugs the microphone in: a clip sent in real time, of
// which one kind of message is kept back for some seconds.

import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { ffmpeg, aac, x264 } from "./encoder.js";
import { temporary_folder } from "./klieg.js";
import { pause } from "./program.js";
import { audio, message, publishing_peer, video } from "./rtmp_peer.js";

// `late`: "sound" or "picture", which is sent once `join()` was called, from its header on. Publishes `seconds` at most.
export async function publish_with_a_late_track(t, address, key, late, seconds = 40) {
  const clip = join(await temporary_folder(t), "clip.flv");
  const inputs = [
    ...["-f", "lavfi", "-i", "testsrc2=size=640x360:rate=30"],
    ...["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000"],
  ];
  const made = await ffmpeg(t, [...inputs, "-t", String(seconds), ...x264(), ...aac(), "-f", "flv", clip]).ended;
  if (made.code !== 0) throw new Error("ffmpeg made no clip");
  const tags = tags_of(await readFile(clip));
  const kept_back = late === "sound" ? audio : video;
  const headers = tags.filter((tag) => tag.body[1] === 0 && tag.time_ms === 0); // sequence headers, of AAC and AVC
  const peer = await publishing_peer(t, address, key);
  const send = ({ type, body }, time_ms) => peer.send(message(type, body, { time_ms, chunk_stream: type }));

  let joins = false;
  let stopped = false;
  t.after(() => (stopped = true));
  const sending = (async () => {
    const began_ms = performance.now();
    let joined = false;
    for (const tag of tags) {
      const early_ms = tag.time_ms - (performance.now() - began_ms);
      if (early_ms > 5) await pause(early_ms);
      if (stopped) return;
      if (tag.type !== kept_back || joined) send(tag, tag.time_ms);
      else if (joins && (late === "sound" || is_key(tag)) && !headers.includes(tag)) {
        joined = true;
        send(headers.find((one) => one.type === kept_back), tag.time_ms);
        send(tag, tag.time_ms);
      }
    }
  })();
  return { peer, sending, join: () => (joins = true) };
}

const is_key = ({ body }) => body[0] >> 4 === 1; // FrameType of a video tag (FLV E.4.3.1)

// What is of sound and picture in an FLV file (FLV E.3): metadata would promise the track that is kept back.
function tags_of(file) {
  const tags = [];
  for (let at = 13; at + 11 <= file.length; ) {
    const type = file[at];
    const size = file.readUIntBE(at + 1, 3);
    const time_ms = file.readUIntBE(at + 4, 3) + file[at + 7] * 0x1000000;
    if (type === audio || type === video) tags.push({ type, time_ms, body: file.subarray(at + 11, at + 11 + size) });
    at += 11 + size + 4;
  }
  return tags;
}
