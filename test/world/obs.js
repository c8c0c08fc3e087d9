// OBS Studio with a prepared profile, on a screen that nobody sees: it starts, streams and wants no click.

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { temporary_folder } from "./klieg.js";
import { Program } from "./program.js";

const ini = (sections) =>
  Object.entries(sections)
    .map(([name, keys]) =>
      [`[${name}]`, ...Object.entries(keys).map(([key, value]) => `${key}=${value}`), ""].join("\n"),
    )
    .join("\n");

const global_ini = ini({
  General: {
    FirstRun: true,
    EnableAutoUpdates: false,
    Pre19Defaults: false,
    Pre21Defaults: false,
    Pre23Defaults: false,
    "Pre24.1Defaults": false,
  },
  Basic: {
    Profile: "Klieg",
    ProfileDir: "Klieg",
    SceneCollection: "Klieg",
    SceneCollectionFile: "Klieg",
    ConfigOnNewProfile: false,
  },
  BasicWindow: { WarnBeforeStartingStream: false, WarnBeforeStoppingStream: false, SysTrayEnabled: false },
  OBSWebSocket: { FirstLoad: false, ServerEnabled: false },
});

// OBS by itself makes a key frame every 250 frames.
const basic_ini = (x264_settings) =>
  ini({
    General: { Name: "Klieg" },
    Output: { Mode: "Simple" },
    SimpleOutput: {
      VBitrate: 800,
      ABitrate: 96,
      StreamEncoder: "x264",
      UseAdvanced: true,
      Preset: "ultrafast",
      EnforceBitrate: true,
      x264Settings: x264_settings,
    },
    Video: { BaseCX: 640, BaseCY: 360, OutputCX: 640, OutputCY: 360, FPSType: 0, FPSCommon: 30 },
    Audio: { SampleRate: 48000, ChannelSetup: "Stereo" },
  });

// A colour over the whole canvas or, of an address to play, what OBS calls a media source.
const scenes = (plays) => ({
  name: "Klieg",
  current_scene: "Scene",
  current_program_scene: "Scene",
  scene_order: [{ name: "Scene" }],
  sources: [
    plays
      ? {
          id: "ffmpeg_source",
          versioned_id: "ffmpeg_source",
          name: "Picture",
          settings: { is_local_file: false, input: plays, buffering_mb: 1, hw_decode: false },
        }
      : {
          id: "color_source",
          versioned_id: "color_source_v3",
          name: "Picture",
          settings: { color: 0xff3080d0, width: 640, height: 360 },
        },
    {
      id: "scene",
      versioned_id: "scene",
      name: "Scene",
      settings: { id_counter: 1, items: [{ id: 1, name: "Picture", visible: true, scale: { x: 1, y: 1 } }] },
    },
  ],
});

// What a person types into OBS's two boxes; `plays`: and into a media source.
export async function publish_with_obs(t, server, key, { plays } = {}) {
  const home = await temporary_folder(t);
  const settings = join(home, ".config/obs-studio");
  const profile = join(settings, "basic/profiles/Klieg");
  await mkdir(profile, { recursive: true });
  await mkdir(join(settings, "basic/scenes"), { recursive: true });
  await writeFile(join(settings, "global.ini"), global_ini);
  await writeFile(join(profile, "basic.ini"), basic_ini(plays ? "keyint=30" : ""));
  await writeFile(
    join(profile, "service.json"),
    JSON.stringify({ type: "rtmp_custom", settings: { server, key, use_auth: false } }),
  );
  await writeFile(join(settings, "basic/scenes/Klieg.json"), JSON.stringify(scenes(plays)));

  const screen = new Program(t, "Xvfb", ["-displayfd", "1", "-screen", "0", "1024x768x24", "-nolisten", "tcp"]);
  const [, display] = await screen.heard(/^(\d+)\n/m);
  return new Program(
    t,
    "obs",
    ["--startstreaming", "--multi", "--profile", "Klieg", "--collection", "Klieg", "--scene", "Scene"],
    {
      env: {
        DISPLAY: `:${display}`,
        HOME: home,
        XDG_CONFIG_HOME: join(home, ".config"),
        XDG_RUNTIME_DIR: home,
        LIBGL_ALWAYS_SOFTWARE: "1",
      },
    },
  );
}
