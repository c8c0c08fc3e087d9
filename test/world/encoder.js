// Those who publish: Klieg's own test card, ffmpeg, GStreamer, OBS.

import { klieg_path } from "./klieg.js";
import { Program } from "./program.js";

// Test card with clock, flash and beep. `flags` as in `klieg testcard --help`.
export const publish_test_card = (t, url, flags = []) =>
  new Program(t, klieg_path, ["testcard", "--to", url, ...flags]);

const quiet = ["-hide_banner", "-nostdin", "-loglevel", "warning"];

// A moving picture with a tone, encoded as it is sent. `video` and `audio` are encoder options, or null for none.
export function publish_with_ffmpeg(
  t,
  url,
  { rate = "30", size = "640x360", video = x264(), audio = aac(), more = [] } = {},
) {
  const inputs = [];
  if (video) inputs.push("-re", "-f", "lavfi", "-i", `testsrc2=size=${size}:rate=${rate}`);
  if (audio) inputs.push("-re", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000");
  return ffmpeg(t, [...inputs, ...(video ?? []), ...(audio ?? []), ...more, "-f", "flv", url]);
}

export const x264 = ({ gop = 30, b_frames = 0, more = [] } = {}) => [
  ...[
    "-c:v",
    "libx264",
    "-preset",
    "ultrafast",
    "-pix_fmt",
    "yuv420p",
    "-b:v",
    "800k",
    "-maxrate",
    "800k",
    "-bufsize",
    "800k",
  ],
  ...["-g", String(gop), "-keyint_min", String(gop), "-sc_threshold", "0", "-bf", String(b_frames)],
  ...more,
];
export const aac = ({ sample_rate = 48_000, channels = 2 } = {}) => [
  ...["-c:a", "aac", "-b:a", "96k", "-ar", String(sample_rate), "-ac", String(channels)],
];

// A file over and over, in real time: as it is, or encoded anew.
export const publish_clip = (t, url, clip, how = ["-c", "copy"]) =>
  ffmpeg(t, ["-re", "-stream_loop", "-1", "-i", clip, "-map", "0:v:0?", "-map", "0:a:0?", ...how, "-f", "flv", url]);

export const ffmpeg = (t, args) => new Program(t, "ffmpeg", [...quiet, ...args]);

export const publish_with_gstreamer = (t, url, sink = "rtmp2sink") =>
  new Program(t, "gst-launch-1.0", [
    "-e",
    ...words("videotestsrc is-live=true ! video/x-raw,width=640,height=360,framerate=30/1"),
    ...words("! x264enc tune=zerolatency speed-preset=ultrafast bitrate=800 key-int-max=30 ! h264parse ! queue ! mux."),
    ...words(
      "audiotestsrc is-live=true wave=ticks ! audio/x-raw,rate=48000,channels=2 ! avenc_aac ! aacparse ! queue ! mux.",
    ),
    ...words(`flvmux name=mux streamable=true ! ${sink} location=${url}`),
  ]);

const words = (text) => text.split(" ");
