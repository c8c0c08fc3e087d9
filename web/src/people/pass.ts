// The way of who is logged in to what is private of others, and of his own.

import { Road } from "../playback/road";
import type { Session } from "./session.svelte";

export function road_of(session: Session, channel: string): Road {
  return new Road(channel, undefined, async () => {
    await session.known();
    if (session.account === null) return null;
    const answer = await session.api.ask<{ token: string }>("POST", `/people/${encodeURIComponent(channel)}/pass`);
    if (answer.kind === "done") return answer.value.token;
    return answer.kind === "refused" && answer.status < 429 ? null : "unreachable";
  });
}
