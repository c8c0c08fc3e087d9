// Who is logged in, for the room of a channel: a node that cannot look it up is shown a ticket (src/wire/room_ticket.h).

import type { Session } from "./session.svelte";

export interface Identity {
  account(): Promise<number | null>; // null: nobody is logged in
  ticket(): Promise<string | null>; // null: there is none to be had now
}

export const nobody: Identity = { account: async () => null, ticket: async () => null };

export function identity_of(session: Session, channel: string): Identity {
  return {
    account: async () => {
      await session.known();
      return session.account?.id ?? null;
    },
    ticket: async () => {
      const answer = await session.api.ask<{ ticket: string }>("POST", `/rooms/${encodeURIComponent(channel)}/ticket`);
      return answer.kind === "done" ? answer.value.ticket : null;
    },
  };
}
