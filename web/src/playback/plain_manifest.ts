// One document serves low-latency players and others; what tells them apart is left out here. dash.js then asks for
// segments once they are whole, and a viewer costs the server a third of what one of LL-DASH does.
export function plain_manifest(mpd: string): string {
  return mpd
    .replaceAll(/\s(?:availabilityTimeOffset|availabilityTimeComplete)="[^"]*"/g, "")
    .replaceAll(/<ServiceDescription\b.*?<\/ServiceDescription>/gs, "");
}
