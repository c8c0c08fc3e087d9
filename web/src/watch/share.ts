// What one hands on of a channel: the link, and the frame for another site's page.

export const link_of = (channel: string, origin: string) => `${origin}/@${encodeURIComponent(channel)}`;

// Channel names hold nothing that HTML would take for its own (route.ts).
export const frame_of = (channel: string, origin: string) =>
  `<iframe src="${origin}/embed/@${encodeURIComponent(channel)}" title="@${channel} live" ` +
  'width="640" height="360" style="border:0" allow="autoplay; fullscreen; picture-in-picture" allowfullscreen></iframe>';
