// Where somebody goes after logging in: back to where he was, on this site. An address that leads elsewhere would make
// our log-in page the bait of somebody else's.

export const log_in_address = (from: string) => `/login?to=${encodeURIComponent(from)}`;

export function return_address(search: string, origin: string): string {
  const to = new URLSearchParams(search).get("to") ?? "/";
  try {
    const address = new URL(to, origin);
    return address.origin === origin && to.startsWith("/") ? address.pathname + address.search : "/";
  } catch {
    return "/";
  }
}
