// A moment of the server's as people write it, in their own language and time zone.
export const day = (time: string) => new Date(time).toLocaleDateString(undefined, { dateStyle: "medium" });
export const moment = (time: string) => new Date(time).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
