// A viewer's colour: his own hearts rise in it, and his name is written in it. The same account has the same colour
// everywhere; who is not signed in has one for as long as the page is open. Each has its name in app.css, in a shade
// that can be read on its background.

export const colours = 8;

export function colour_of(account: number): string {
  // Neighbours in number are no neighbours in colour.
  return `var(--person-${(account * 5) % colours})`;
}
