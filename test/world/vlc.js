// VLC without a screen, which writes down what it plays.

import { chmod } from "node:fs/promises";
import { join } from "node:path";

import { temporary_folder } from "./klieg.js";
import { Program } from "./program.js";

// Plays `seconds` of a URL into a file of its own, which it names; also how much VLC had in hand when it began to play.
export async function play_with_vlc(t, url, seconds) {
  const folder = await temporary_folder(t);
  await chmod(folder, 0o777);
  const file = join(folder, "played.ts");
  const vlc = [
    ...["vlc", "-vv", "--intf", "dummy", "--no-dbus", "--run-time", String(seconds)],
    ...["--sout", `#std{access=file,mux=ts,dst=${file}}`, url, "vlc://quit"],
  ];
  // It plays for nobody who is root.
  const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
  const [command, ...args] = process.getuid() === 0 ? [...nobody, ...vlc] : vlc;
  const player = new Program(t, command, args, { env: { HOME: folder } });
  const [, buffered_ms] = await player.heard(/Stream buffering done \((\d+) ms/, 10_000);
  const code = await player.ends((seconds + 8) * 1000);
  return { file, code, buffered_ms: Number(buffered_ms) };
}
