// Which page an address means. The server sends the same HTML for every one of them.

export type Route = { page: "home" } | { page: "watch" | "framed"; channel: string } | { page: "not_found" };

// What a channel may be called: it becomes a folder of /live/.
const channel_name = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

export function route_of(pathname: string): Route {
  if (pathname === "/" || pathname === "/index.html") return { page: "home" };
  const [, embed, name] = /^(\/embed)?\/@([^/]+)\/?$/.exec(pathname) ?? [];
  if (name !== undefined && channel_name.test(name)) return { page: embed ? "framed" : "watch", channel: name };
  return { page: "not_found" };
}
