// What the page says in each view. Plain and true: nothing here promises more than the server told.

import type { View } from "./view";

export interface Notice {
  title: string;
  text: string;
  light: "lit" | "glowing" | "dark";
  place: "stage" | "corner"; // over the whole picture, or out of its way
  leads: "nowhere" | "home"; // home: there is nothing to wait for here, or for nobody knows how long
}

// `has_picture`: there is something on the screen, be it the last picture of a player that gave way to another.
export function notice_of(view: View, channel: string, has_picture: boolean): Notice | null {
  const stage = (light: Notice["light"], title: string, text: string, leads: Notice["leads"] = "nowhere"): Notice => ({ title, text, light, place: "stage", leads });
  const awaited = has_picture ? "Waiting for more…" : "Waiting for the picture…";
  const waiting: Notice = { title: awaited, text: "", light: "lit", place: "corner", leads: "nowhere" };
  switch (view) {
    case "live":
    case "behind":
    case "held":
      return null;
    case "connecting":
      return stage("glowing", "Connecting…", "");
    case "missing":
      return stage("dark", "No such channel", `Nobody here is called @${channel}. Is the name spelt right?`, "home");
    case "refused":
      return stage("dark", "This link is over", `@${channel} is for guests. Ask for another link.`, "home");
    case "offline":
      return stage("glowing", "Starting soon", `@${channel} is not on air yet. This page starts by itself.`, "home");
    case "loading":
      return has_picture ? waiting : stage("lit", "On air", "The first picture is on its way…");
    case "stalled":
      return waiting;
    case "paused":
      return stage("glowing", "Paused", `The camera of @${channel} is gone. If it returns, this goes on by itself.`);
    case "ended":
      return stage("dark", "This broadcast has ended", `When @${channel} goes live again, this page starts by itself.`, "home");
    case "reconnecting":
      return stage("glowing", "Reconnecting…", "The network or the server is away. We keep trying.");
    case "unsupported":
      return stage("dark", "This browser cannot play live video", "Any current browser can: Firefox, Chrome, Edge or Safari.");
  }
}
