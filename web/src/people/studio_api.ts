// What the studio asks of /api/v1, for the person who is logged in.

import type { Answer, Api } from "./api";

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

export const list_keys = async (api: Api): Promise<Answer<StreamKey[]>> => {
  const answer = await api.ask<{ items: StreamKey[] }>("GET", "/keys");
  return answer.kind === "done" ? { kind: "done", value: answer.value.items } : answer;
};
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

export const list_webhooks = async (api: Api): Promise<Answer<Webhook[]>> => {
  const answer = await api.ask<{ items: Webhook[] }>("GET", "/webhooks");
  return answer.kind === "done" ? { kind: "done", value: answer.value.items } : answer;
};
export const make_webhook = (api: Api, url: string) => api.ask<NewWebhook>("POST", "/webhooks", { url });
export const remove_webhook = (api: Api, id: number) => api.ask<null>("DELETE", `/webhooks/${id}`);
