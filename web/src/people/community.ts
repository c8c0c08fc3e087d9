// Who keeps order in one's rooms, and who may not take part in them.

import { type Api, ask_list, ask_page } from "./api";

export interface Moderator {
  name: string;
  display_name: string;
}
export interface Ban extends Moderator {
  reason: string;
  since: string;
  until: string | null; // null: for good
}

const at = (list: "moderators" | "bans", name: string) => `/${list}/${encodeURIComponent(name)}`;

// A name as people write it: "@ada", " ada ".
export const bare_name = (text: string) => text.trim().replace(/^@/, "");

export const list_moderators = (api: Api) => ask_list<Moderator>(api, "/moderators");
export const appoint_moderator = (api: Api, name: string) => api.ask<null>("PUT", at("moderators", name));
export const dismiss_moderator = (api: Api, name: string) => api.ask<null>("DELETE", at("moderators", name));

export const list_bans = (api: Api, cursor: string | null) => ask_page<Ban>(api, "/bans", 25, cursor);
export const ban = (api: Api, name: string, reason: string) => api.ask<null>("PUT", at("bans", name), { reason });
export const unban = (api: Api, name: string) => api.ask<null>("DELETE", at("bans", name));
