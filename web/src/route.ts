// Which page an address means. The server sends the same HTML for every one of them.

export type Route = { page: "home" | "log_in" | "sign_up" | "studio" } | { page: "watch" | "framed"; channel: string; token: string | undefined } | { page: "not_found" };

// What a channel may be called (parse_channel() of src/cli/config.h, and a dot): it becomes a folder of /live/.
const channel_name = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$/;

const places: ReadonlyMap<string, "log_in" | "sign_up" | "studio"> = new Map([
  ["/login", "log_in"],
  ["/signup", "sign_up"],
  ["/studio", "studio"],
]);

export function route_of(pathname: string): Route {
  if (pathname === "/" || pathname === "/index.html") return { page: "home" };
  const place = places.get(pathname.replace(/(.)\/$/, "$1"));
  if (place !== undefined) return { page: place };
  const [, token, embed, name] = /^(?:\/t\/([A-Za-z0-9._-]+)|(\/embed))?\/@([^/]+)\/?$/.exec(pathname) ?? [];
  if (name !== undefined && channel_name.test(name)) return { page: embed ? "framed" : "watch", channel: name, token };
  return { page: "not_found" };
}
