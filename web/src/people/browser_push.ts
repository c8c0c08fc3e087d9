// Being told in this browser when no page is open: by its push service, through the service worker /notices.js.

import { type Answer, type Api, trouble_of } from "./api";

export const can_push = () => "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;

export async function is_pushed(): Promise<boolean> {
  return can_push() && (await subscription()) !== null;
}

// The words for who is not told; null: he is.
export async function begin_push(api: Api): Promise<string | null> {
  const key = await api.ask<{ key: string }>("GET", "/push");
  if (key.kind !== "done") return trouble_of(key);
  if ((await Notification.requestPermission()) !== "granted") return "This browser does not let the page tell you. Its settings can.";
  try {
    await navigator.serviceWorker.register("/notices.js");
    const { pushManager } = await navigator.serviceWorker.ready;
    const made = await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key.value.key });
    const { endpoint, keys } = made.toJSON();
    const put = await api.ask("PUT", "/push/subscription", { endpoint, p256dh: keys?.["p256dh"], auth: keys?.["auth"] });
    if (put.kind !== "done") await made.unsubscribe();
    return trouble_of(put);
  } catch {
    return "The push service of this browser does not answer.";
  }
}

// Also of who logs out: the next person at this browser follows others.
export async function end_push(api: Api): Promise<void> {
  const made = can_push() ? await subscription() : null;
  if (made === null) return;
  const removed: Answer<null> = await api.ask("DELETE", "/push/subscription", { endpoint: made.endpoint });
  if (removed.kind !== "unreachable") await made.unsubscribe();
}

async function subscription(): Promise<PushSubscription | null> {
  const registration = await navigator.serviceWorker.getRegistration("/");
  return (await registration?.pushManager.getSubscription()) ?? null;
}
