// What programs may do for somebody: API tokens with scopes, as the server's /api/v1/tokens has them.

import { type Api, ask_list } from "./api";

export interface Token {
  id: number;
  label: string;
  scopes: string; // words of `scopes`, with a space between them
  created: string;
  used: string | null;
  expires: string | null;
}
export interface NewToken {
  id: number;
  secret: string; // shown once
}

// What a token may be allowed (src/studio/scope.h), the harmless first.
export const scopes = [
  { word: "account:read", name: "See who you are", words: "Your name, whom you follow and who of them is live." },
  { word: "broadcasts:read", name: "See your broadcasts", words: "Private and planned ones, too." },
  { word: "broadcasts:write", name: "Plan and end broadcasts", words: "Titles, who may watch, links for guests." },
  { word: "follows:write", name: "Follow and unfollow", words: "In your name." },
  { word: "rooms:write", name: "Take part in rooms", words: "Comment and vote in your name; choose your moderators, ban and unban." },
  { word: "rooms:moderate", name: "Keep order in rooms", words: "Delete comments and time people out, wherever you may." },
  { word: "keys:write", name: "Make and revoke stream keys", words: "With a key a program can go live in your name." },
] as const;

// "See who you are, Follow and unfollow"; a scope of a newer server stands as its word.
export const scopes_text = (words: string): string =>
  words
    .split(" ")
    .map((word) => scopes.find((one) => one.word === word)?.name ?? word)
    .join(", ");

export const lifetimes = [
  { days: 30, words: "30 days" },
  { days: 90, words: "90 days" },
  { days: 365, words: "a year" },
  { days: 0, words: "ever, until you revoke it" },
] as const;

// When what is good for so many days is over, for the API; 0: never.
export const expires_after = (days: number, now_ms: number): string | null => (days === 0 ? null : new Date(now_ms + days * 86_400_000).toISOString());

export const is_over = (token: Token, now_ms: number) => token.expires !== null && Date.parse(token.expires) <= now_ms;

export const list_tokens = (api: Api) => ask_list<Token>(api, "/tokens");
export const make_token = (api: Api, wanted: { label: string; scopes: string; expires: string | null }) => api.ask<NewToken>("POST", "/tokens", wanted);
export const revoke_token = (api: Api, id: number) => api.ask<null>("DELETE", `/tokens/${id}`);
