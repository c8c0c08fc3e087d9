// How one is shown, and one's password.

import type { Account } from "./session.svelte";
import type { Api } from "./api";

const side_px = 256; // what a screen of two pixels to one shows of it, and 10 to 40 KiB

// The middle of a picture, small enough for the server; null: the browser cannot read it.
export async function small_picture(file: Blob): Promise<Blob | null> {
  try {
    const picture = await createImageBitmap(file);
    const side = Math.min(picture.width, picture.height);
    const canvas = new OffscreenCanvas(side_px, side_px);
    const context = canvas.getContext("2d");
    if (context === null) return null;
    context.imageSmoothingQuality = "high";
    context.drawImage(picture, (picture.width - side) / 2, (picture.height - side) / 2, side, side, 0, 0, side_px, side_px);
    return await canvas.convertToBlob({ type: "image/jpeg", quality: 0.85 });
  } catch {
    return null;
  }
}

export const put_picture = (api: Api, picture: Blob) => api.ask<null>("PUT", "/me/picture", picture);
export const remove_picture = (api: Api) => api.ask<null>("DELETE", "/me/picture");
export const set_display_name = (api: Api, display_name: string) => api.ask<Account>("PATCH", "/me", { display_name });
export const set_password = (api: Api, password: string, new_password: string) =>
  api.ask<null>("PUT", "/me/password", { password, new_password });
