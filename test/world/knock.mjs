// knock.mjs HOST PORT PATH CONNECTIONS REQUESTS: opens so many connections one after the other, asks on each so many
// times at once, leaves all of them open, and says as JSON how each request was answered: [[{ status, text }]].

import { connect } from "node:net";

const [host, port, path, connections, requests] = process.argv.slice(2);

// Answers with a Content-Length, one behind the other, as far as they are there.
function answers_in(received) {
  const answers = [];
  for (let rest = received; ;) {
    const head = /^HTTP\/1\.1 (\d+) [^]*?\r\ncontent-length: (\d+)\r\n[^]*?\r\n\r\n/.exec(rest);
    const end = head ? head[0].length + Number(head[2]) : Infinity;
    if (rest.length < end) return answers;
    answers.push({ status: Number(head[1]), text: rest.slice(head[0].length, end).trim() });
    rest = rest.slice(end);
  }
}

const knock = (wanted) =>
  new Promise((resolve) => {
    let received = "";
    const socket = connect(Number(port), host).setEncoding("latin1");
    const finish = () => resolve(answers_in(received));
    socket.on("data", (text) => {
      received += text;
      if (answers_in(received).length >= wanted) finish();
    });
    socket.on("close", finish).on("error", finish);
    socket.write(`GET ${path} HTTP/1.1\r\nhost: a\r\n\r\n`.repeat(wanted));
  });

const answers = [];
for (let i = 0; i < Number(connections); ++i) answers.push(await knock(Number(requests)));
console.log(JSON.stringify(answers));
process.exit(0);
