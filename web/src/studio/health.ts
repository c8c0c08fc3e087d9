// How well a broadcast comes in, read from what its viewers are offered: the playlists. No route of the server's own is
// needed for it, and it cannot say anything else than what viewers see.
//
//   multivariant   codecs, size, frame rate, bit rate of the camera's own rendition, and how many rungs there are
//   media          how often a key frame came, whether there were gaps or breaks, and how old its newest part is

export interface Offer {
  source: string; // the playlist of the camera's own rendition, relative to the multivariant one
  width: number;
  height: number;
  frame_rate: number; // 0: not said
  bitrate_bps: number; // video and audio, on the average
  codecs: string[];
  rungs: number;
}

export interface Flow {
  keyframe_s: number | null; // the longest time between two key frames; null: not known yet
  gaps: number; // segments with nothing in them
  breaks: number; // the encoder was away, or changed what it sends
  newest_ms: number | null; // server's time at which the newest part ends
  over: boolean;
}

// null: there is no video or audio in it.
export function read_offer(text: string): Offer | null {
  const lines = text.split("\n");
  const offers: Offer[] = [];
  lines.forEach((line, i) => {
    if (!line.startsWith("#EXT-X-STREAM-INF:")) return;
    const of = attributes(line);
    const [width = 0, height = 0] = (of.get("RESOLUTION") ?? "").split("x").map(Number);
    offers.push({
      source: (lines[i + 1] ?? "").trim(),
      width,
      height,
      frame_rate: Number(of.get("FRAME-RATE") ?? 0),
      bitrate_bps: Number(of.get("AVERAGE-BANDWIDTH") ?? of.get("BANDWIDTH") ?? 0),
      codecs: (of.get("CODECS") ?? "").split(",").filter((one) => one !== ""),
      rungs: 0,
    });
  });
  const pictures = offers.filter((one) => one.width > 0);
  const best = (pictures.length > 0 ? pictures : offers).sort((a, b) => b.height - a.height || b.bitrate_bps - a.bitrate_bps)[0];
  return best === undefined ? null : { ...best, rungs: Math.max(pictures.length, 1) };
}

export function read_flow(text: string): Flow {
  const flow: Flow = { keyframe_s: null, gaps: 0, breaks: 0, newest_ms: null, over: false };
  let at_s = 0; // into what is listed
  let segment_s = 0; // of the segment that is being read, its parts so far
  let key_at_s: number | null = null;
  let begins_ms: number | null = null;
  const key = () => {
    if (key_at_s !== null) flow.keyframe_s = Math.max(flow.keyframe_s ?? 0, at_s + segment_s - key_at_s);
    key_at_s = at_s + segment_s;
  };
  for (const line of text.split("\n")) {
    if (line.startsWith("#EXT-X-PROGRAM-DATE-TIME:")) {
      begins_ms = Date.parse(line.slice(line.indexOf(":") + 1));
    } else if (line.startsWith("#EXT-X-PART:")) {
      const of = attributes(line);
      if (of.get("INDEPENDENT") === "YES") key();
      segment_s += Number(of.get("DURATION") ?? 0);
    } else if (line.startsWith("#EXTINF:")) {
      if (segment_s === 0 && flow.keyframe_s === null) key_at_s = null; // its parts have left: nobody knows
      at_s += Number.parseFloat(line.slice("#EXTINF:".length)) || 0;
      segment_s = 0;
    } else if (line === "#EXT-X-GAP") flow.gaps += 1;
    else if (line === "#EXT-X-DISCONTINUITY") {
      flow.breaks += 1;
      key_at_s = null;
    } else if (line === "#EXT-X-ENDLIST") flow.over = true;
    if (begins_ms !== null && segment_s > 0) flow.newest_ms = begins_ms + 1000 * segment_s;
  }
  return flow;
}

function attributes(line: string): Map<string, string> {
  return new Map([...line.matchAll(/([A-Z0-9-]+)=("[^"]*"|[^,]*)/g)].map(([, name, value]) => [name!, value!.replace(/^"|"$/g, "")]));
}

export type Verdict = "good" | "look" | "bad";
export interface Reading {
  name: string;
  value: string;
  verdict: Verdict;
  advice: string | null; // what to change in the encoder
}

const keyframe_s_max = 4; // more, and each viewer waits for long to begin
const age_ms_max = 3_000; // of the newest part: less than what a slow network takes at once

export function readings_of(offer: Offer, flow: Flow, server_now_ms: number): Reading[] {
  const { keyframe_s, newest_ms } = flow;
  const age_ms = newest_ms === null ? null : Math.max(0, server_now_ms - newest_ms);
  const video = offer.codecs.find((one) => /^(avc|hvc|hev|av01|vp09)/.test(one));
  const reading = (name: string, value: string, verdict: Verdict = "good", advice: string | null = null): Reading => ({ name, value, verdict, advice });
  return [
    age_ms === null || age_ms < age_ms_max
      ? reading("Arriving", age_ms === null ? "not known yet" : `${(age_ms / 1000).toFixed(1)} s old`)
      : reading("Arriving", `nothing new for ${Math.round(age_ms / 1000)} s`, "bad", "The encoder or its network has stopped sending."),
    reading("Bit rate", offer.bitrate_bps < 1e6 ? `${Math.round(offer.bitrate_bps / 1000)} kbit/s` : `${(offer.bitrate_bps / 1e6).toFixed(1)} Mbit/s`),
    video === undefined
      ? reading("Picture", "none", "look", "There is sound alone. Is a scene with video chosen?")
      : reading("Picture", `${offer.width} × ${offer.height}${offer.frame_rate > 0 ? `, ${Math.round(offer.frame_rate * 100) / 100} frames/s` : ""}`),
    ...(video === undefined
      ? []
      : [
          keyframe_s === null
            ? reading("Key frames", "not known yet")
            : keyframe_s <= keyframe_s_max
              ? reading("Key frames", `every ${keyframe_s.toFixed(1)} s`)
              : reading("Key frames", `every ${keyframe_s.toFixed(1)} s`, "look", "Set the key-frame interval to 1 or 2 s: viewers begin sooner."),
        ]),
    flow.breaks + flow.gaps === 0
      ? reading("Last minute", "no break")
      : reading("Last minute", `${flow.breaks} ${flow.breaks === 1 ? "break" : "breaks"}, ${flow.gaps} ${flow.gaps === 1 ? "gap" : "gaps"}`, "look", "The connection to the server broke off or was too slow. A lower bit rate may help."),
    reading("Viewers may choose", offer.rungs === 1 ? "one quality" : `${offer.rungs} qualities`),
  ];
}
