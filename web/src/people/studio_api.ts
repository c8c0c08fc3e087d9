// What the studio asks of /api/v1, for the person who is logged in.

import { type Answer, type Api, ask_list } from "./api";

export interface StreamKey {
  id: number;
  label: string;
  created: string;
  used: string | null;
}
export interface NewKey {
  id: number;
  secret: string; // shown once
}

export const list_keys = (api: Api) => ask_list<StreamKey>(api, "/keys");
export const make_key = (api: Api, label: string) => api.ask<NewKey>("POST", "/keys", { label });
export const rotate_key = (api: Api, id: number) => api.ask<NewKey>("POST", `/keys/${id}/rotate`);
export const revoke_key = (api: Api, id: number) => api.ask<null>("DELETE", `/keys/${id}`);

export interface Webhook {
  id: number;
  url: string;
  created: string;
  failures: number; // in a row
  disabled: string | null;
}
export interface NewWebhook {
  id: number;
  secret: string; // shown once
}

export const list_webhooks = (api: Api) => ask_list<Webhook>(api, "/webhooks");
export const make_webhook = (api: Api, url: string) => api.ask<NewWebhook>("POST", "/webhooks", { url });
export const remove_webhook = (api: Api, id: number) => api.ask<null>("DELETE", `/webhooks/${id}`);

export type Visibility = "public" | "unlisted" | "private";
export interface Broadcast {
  id: number;
  title: string;
  visibility: Visibility;
  guests: string[]; // names; of what is private
  link: string | null; // the page for who may watch
  started: string | null;
  ended: string | null;
}
export interface Plan {
  title: string;
  visibility: Visibility;
  guests: string[];
}

// What is live, or else what is planned last and so goes live next; null: nothing is.
export const current_broadcast = async (api: Api): Promise<Answer<Broadcast | null>> => {
  const answer = await ask_list<Broadcast>(api, "/broadcasts");
  if (answer.kind !== "done") return answer;
  const open = answer.value.filter((one) => one.ended === null);
  return { kind: "done", value: open.find((one) => one.started !== null) ?? open[0] ?? null };
};
export const plan_broadcast = (api: Api, plan: Plan) => api.ask<Broadcast>("POST", "/broadcasts", plan);
export const change_broadcast = (api: Api, id: number, plan: Plan) => api.ask<Broadcast>("PATCH", `/broadcasts/${id}`, plan);
export const make_link = (api: Api, id: number, hours: number) => api.ask<{ link: string; expires: string }>("POST", `/broadcasts/${id}/links`, { hours });
export const revoke_links = (api: Api, id: number) => api.ask<null>("DELETE", `/broadcasts/${id}/links`);
