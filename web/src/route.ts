// Which page an address means. The server sends the same HTML for every one of them (src/cli/site.cc has the places, too).

import { type Section, section_at } from "./studio/sections";

export type Route =
  | { page: "home" | "log_in" | "sign_up" | "not_found" }
  | { page: "studio"; section: Section }
  | { page: "watch" | "framed"; channel: string; token: string | undefined };

// What a channel may be called (parse_channel() of src/cli/config.h, and a dot): it becomes a folder of /live/.
const channel_name = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$/;

const places: ReadonlyMap<string, "log_in" | "sign_up"> = new Map([
  ["/login", "log_in"],
  ["/signup", "sign_up"],
]);

export function route_of(pathname: string): Route {
  if (pathname === "/" || pathname === "/index.html") return { page: "home" };
  const bare = pathname.replace(/(.)\/$/, "$1");
  const place = places.get(bare);
  if (place !== undefined) return { page: place };
  const section = section_at(bare);
  if (section !== null) return { page: "studio", section };
  const [, token, embed, name] = /^(?:\/t\/([A-Za-z0-9._-]+)|(\/embed))?\/@([^/]+)\/?$/.exec(pathname) ?? [];
  if (name !== undefined && channel_name.test(name)) return { page: embed ? "framed" : "watch", channel: name, token };
  return { page: "not_found" };
}
