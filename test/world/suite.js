// What the tests of one `describe` share: started in before(), ended after the last of them, newest first.

import { after } from "node:test";

export function suite_end() {
  const endings = [];
  after(async () => {
    for (const end of endings.reverse()) await end();
  });
  return { after: (end) => endings.push(end), diagnostic: (text) => console.log(text) };
}
