import { describe, expect, it } from "vitest";

import { Conversation, comments_max, fresh_ms, joined_text } from "./conversation";
import type { Comment } from "./message";

const ada = { account: 12, name: "Ada", standing: "follower" } as const;
const comment = (id: number, at_ms: number): Comment => ({ id, by: ada, at_ms, said_ms: 0, text: `comment ${id}` });
const ids = (conversation: Conversation) => conversation.comments.map((one) => one.id);
const poll = { id: 1, question: "?", options: ["yes", "no"], opens_ms: 60_000, closes_ms: 90_000 };

describe("a conversation", () => {
  it("shows a comment when the screen reaches its moment: the same picture for a fast and a slow viewer", () => {
    for (const delay_ms of [300, 11_000]) {
      const conversation = new Conversation();
      conversation.hear({ type: "comment", comment: comment(1, 60_000) });
      conversation.look(60_000 - delay_ms, 0);
      expect(ids(conversation)).toEqual([]);
      conversation.look(60_000, delay_ms);
      expect(ids(conversation)).toEqual([1]);
    }
  });
  it("shows nothing twice, though the node says it again after a reconnect", () => {
    const conversation = new Conversation();
    for (let i = 0; i < 2; ++i) {
      conversation.hear({ type: "comment", comment: comment(1, 10) });
      conversation.look(20, 0);
    }
    expect(ids(conversation)).toEqual([1]);
    conversation.show_own(comment(1, 10));
    expect(ids(conversation)).toEqual([1]);
  });
  it("shows one's own comment as soon as it is safe", () => {
    const conversation = new Conversation();
    conversation.show_own(comment(7, 90_000));
    conversation.hear({ type: "comment", comment: comment(7, 90_000) });
    conversation.look(1_000, 0);
    expect(ids(conversation)).toEqual([7]);
  });
  it("forgets at once what was taken away, shown, waiting or yet to come", () => {
    const conversation = new Conversation();
    conversation.hear({ type: "comment", comment: comment(1, 10) });
    conversation.hear({ type: "pinned", comment: comment(1, 10) });
    conversation.hear({ type: "comment", comment: comment(2, 10_000) });
    conversation.look(20, 0);
    expect(conversation.pinned?.id).toBe(1);
    for (const id of [1, 2, 3]) conversation.hear({ type: "gone", id });
    conversation.hear({ type: "comment", comment: comment(3, 10) });
    conversation.look(20_000, 0);
    expect(ids(conversation)).toEqual([]);
    expect(conversation.pinned).toBeNull();
  });
  it("keeps for moderators what is held, until it is released or deleted", () => {
    const conversation = new Conversation();
    for (const id of [1, 2, 2]) conversation.hear({ type: "held", comment: comment(id, 10) });
    expect(conversation.held.map((one) => one.id)).toEqual([1, 2]);
    conversation.hear({ type: "comment", comment: comment(1, 10) });
    conversation.hear({ type: "gone", id: 2 });
    conversation.look(20, 0);
    expect(conversation.held).toEqual([]);
    expect(ids(conversation)).toEqual([1]);
  });
  it("keeps no more than a few screens of comments", () => {
    const conversation = new Conversation();
    for (let id = 1; id <= comments_max + 20; ++id) conversation.hear({ type: "comment", comment: comment(id, id) });
    conversation.look(100_000, 0);
    expect(conversation.comments.length).toBe(comments_max);
    expect(ids(conversation).at(-1)).toBe(comments_max + 20);
  });
  it("calls a comment fresh for some seconds, and no more than fit over a picture", () => {
    const conversation = new Conversation();
    for (let id = 1; id <= 3; ++id) conversation.hear({ type: "comment", comment: comment(id, id) });
    conversation.look(10, 1_000);
    conversation.hear({ type: "comment", comment: comment(4, 20) });
    conversation.look(20, 1_000 + fresh_ms - 1);
    expect(conversation.fresh.map((one) => one.id)).toEqual([1, 2, 3, 4]);
    conversation.hear({ type: "gone", id: 4 });
    conversation.look(30, 1_000 + fresh_ms);
    expect(conversation.fresh).toEqual([]);
    for (let id = 5; id <= 30; ++id) conversation.hear({ type: "comment", comment: comment(id, id) });
    conversation.look(100, 20_000);
    expect(conversation.fresh.length).toBe(5);
    expect(conversation.fresh.at(-1)?.id).toBe(30);
  });
  it("lets others' hearts rise with the picture that they were for, and one's own no second time", () => {
    const conversation = new Conversation();
    conversation.gave_hearts(2, 61_250);
    conversation.hear({ type: "hearts", hearts: [[612, 5], [640, 1]] });
    expect(conversation.look(61_000, 0)).toBe(0);
    expect(conversation.look(61_200, 0)).toBe(3);
    expect(conversation.look(80_000, 0)).toBe(0); // long past: it only counts
    expect(conversation.hearts).toBe(6);
  });
  it("says for a moment who came", () => {
    const conversation = new Conversation();
    conversation.hear({ type: "joined", names: ["Ada"], others: 0 });
    conversation.look(null, 1_000);
    expect(conversation.joined).toBe("Ada joined");
    conversation.look(null, 8_000);
    expect(conversation.joined).toBeNull();
    expect(joined_text(["Ada", "Grace"], 0)).toBe("Ada and Grace joined");
    expect(joined_text(["Ada", "Grace", "Alan", "Mary"], 2)).toBe("Ada, Grace, Alan and 3 more joined");
    expect(joined_text([], 4)).toBe("4 people joined");
    expect(joined_text([], 0)).toBeNull();
  });
});

describe("a poll", () => {
  it("opens and closes in the viewer's own time, then is counted, then stands", () => {
    const conversation = new Conversation();
    conversation.hear({ type: "poll", poll });
    const phase_at = (screen_ms: number | null) => {
      conversation.look(screen_ms, 0);
      return conversation.poll?.phase ?? null;
    };
    expect(phase_at(null)).toBeNull();
    expect(phase_at(59_999)).toBeNull();
    expect(phase_at(60_000)).toBe("open");
    expect(conversation.poll?.left_ms).toBe(30_000);
    expect(phase_at(90_000)).toBe("counting");
    conversation.hear({ type: "votes", poll: 1, votes: [3, 4], final: true });
    expect(phase_at(100_000)).toBe("final");
    expect(conversation.poll?.votes).toEqual([3, 4]);
    expect(phase_at(200_000)).toBeNull();
  });
  it("that closes early is open for whoever has not seen the close", () => {
    const conversation = new Conversation();
    conversation.hear({ type: "poll", poll });
    conversation.hear({ type: "poll_closes", id: 1, closes_ms: 70_000 });
    conversation.look(69_000, 0);
    expect(conversation.poll?.phase).toBe("open");
    conversation.look(70_000, 0);
    expect(conversation.poll?.phase).toBe("counting");
  });
});
