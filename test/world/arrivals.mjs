// node arrivals.mjs URL: asks for it and says, as JSON, when how many bytes had come: [[ms since the epoch, bytes], ...].

const answer = await fetch(process.argv[2]);
const arrivals = [];
let bytes = 0;
for await (const piece of answer.body) {
  bytes += piece.length;
  arrivals.push([performance.timeOrigin + performance.now(), bytes]);
}
console.log(JSON.stringify({ status: answer.status, arrivals }));
