// Letting people in where one cannot sign up without an invite, as the server's /api/v1/invites has it.

import { type Api, ask_list } from "./api";

export interface Invite {
  id: number;
  uses_left: number;
  created: string;
  expires: string;
}
export interface NewInvite {
  id: number;
  uses: number;
  expires: string;
  secret: string; // shown once
}

export const uses_max = 100;

// The page to sign up on with it.
export const invite_address = (secret: string, origin: string) => `${origin}/signup?invite=${encodeURIComponent(secret)}`;
export const people_text = (count: number) => (count === 1 ? "one person" : `${count} people`);

export const list_invites = (api: Api) => ask_list<Invite>(api, "/invites");
export const make_invite = (api: Api, uses: number) => api.ask<NewInvite>("POST", "/invites", { uses });
export const revoke_invite = (api: Api, id: number) => api.ask<null>("DELETE", `/invites/${id}`);
