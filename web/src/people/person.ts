// A person as others see them, and following them.

import { compact } from "../base/count";
import type { Api } from "./api";

export interface Person {
  id: number;
  name: string;
  display_name: string;
  picture: string | null; // its address
  followers: number;
  following: boolean; // by who is logged in
  title: string | null; // of what is live for everybody
}

export const find_person = (api: Api, name: string) => api.ask<Person>("GET", `/people/${encodeURIComponent(name)}`);
export const set_following = (api: Api, name: string, on: boolean) =>
  api.ask<null>(on ? "PUT" : "DELETE", `/people/${encodeURIComponent(name)}/follow`);

export const followers_text = (count: number) =>
  `${compact(count)} ${count === 1 ? "follower" : "followers"}`;
