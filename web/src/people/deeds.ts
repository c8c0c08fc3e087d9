// The audit log: who did what, and when, as the server's /api/v1/audit has it.

import { type Api, ask_page } from "./api";

export interface Deed {
  id: number;
  at: string;
  actor: number | null; // null: nobody who has an account
  actor_name: string | null;
  action: string; // a fixed phrase
  subject: number | null;
  subject_name: string | null;
  detail: string;
}

export type Whose = "own" | "everybody"; // everybody's are for operators

export const list_deeds = (api: Api, whose: Whose, cursor: string | null) =>
  ask_page<Deed>(api, whose === "own" ? "/audit" : "/audit?all=1", 25, cursor);

// "by you", "by @grace", "by the server"; and to whom it was done, where that is another.
export function who_text(deed: Deed, own: number): string {
  const name = (id: number, of: string | null) => (id === own ? "you" : of === null ? "somebody who is gone" : `@${of}`);
  const by = deed.actor === null ? "by the server" : `by ${name(deed.actor, deed.actor_name)}`;
  const has_other = deed.subject !== null && deed.subject !== deed.actor;
  return has_other ? `${by}, to ${name(deed.subject!, deed.subject_name)}` : by;
}

export const action_text = (action: string) => action.charAt(0).toUpperCase() + action.slice(1);
