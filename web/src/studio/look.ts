// Looks at a broadcast as its viewers do, again and again while the studio is open.

import type { Road } from "../playback/road";
import { ServerClock, measure } from "../watch/server_clock";
import { type Reading, read_flow, read_offer, readings_of } from "./health";

export type Sight = { kind: "on_air"; readings: Reading[] } | { kind: "off_air" } | { kind: "unreachable" };

const look_wait_ms = 2_000; // a key-frame interval

// Until `stop` is aborted.
export async function look_at(road: Road, tell: (sight: Sight) => void, stop: AbortSignal): Promise<void> {
  const clock = new ServerClock();
  while (!stop.aborted) {
    if (clock.now_ms(Date.now()) === null) await measure(clock);
    const sight = await look(road, clock, stop);
    if (stop.aborted) return;
    tell(sight);
    await new Promise((resolve) => setTimeout(resolve, look_wait_ms));
  }
}

async function look(road: Road, clock: ServerClock, stop: AbortSignal): Promise<Sight> {
  const ask = (address: string | URL) => fetch(address, { cache: "no-store", signal: AbortSignal.any([stop, AbortSignal.timeout(10_000)]) });
  try {
    const look_there = () => ask(new URL(road.address("index.m3u8"), location.href));
    let multivariant = await look_there();
    if ((multivariant.status === 403 || multivariant.status === 404) && (await road.find(stop))) multivariant = await look_there();
    if (!multivariant.ok) return { kind: multivariant.status < 500 ? "off_air" : "unreachable" };
    const offer = read_offer(await multivariant.text());
    if (offer === null) return { kind: "off_air" };
    const media = await ask(new URL(offer.source, multivariant.url));
    if (!media.ok) return { kind: "off_air" };
    const flow = read_flow(await media.text());
    if (flow.over) return { kind: "off_air" };
    return { kind: "on_air", readings: readings_of(offer, flow, clock.now_ms(Date.now()) ?? Date.now()) };
  } catch {
    return { kind: "unreachable" };
  }
}
