// The room of a channel as a page hears it: the test is the node (src/wire/room_message.h). In the place of the
// browser's WebSocket, so that no server is needed.

export class FakeRoom {
  said = []; // by the page
  #socket = null;
  #answering = true;

  // Before the page is opened.
  static async beside(page, opening = []) {
    const room = new FakeRoom();
    await page.routeWebSocket(/\/live\/[^/]+\/room$/, (socket) => {
      if (!room.#answering) return void socket.close();
      room.#socket = socket;
      socket.onMessage((text) => {
        const said = JSON.parse(text);
        room.said.push(said);
        room.answer?.(said);
      });
      room.say(...room.opening);
    });
    room.opening = opening;
    return room;
  }

  say(...objects) {
    if (objects.length > 0) this.#socket.send(JSON.stringify(objects));
  }
  // The node is gone, and back.
  async down() {
    this.#answering = false;
    await this.#socket.close();
  }
  up() {
    this.#answering = true;
  }
}

export const comment = (id, at, text, by = { account: 31, name: "Grace", standing: "follower" }) => ({ type: "comment", id, by, at, said: Date.now(), text });
