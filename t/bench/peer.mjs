// SPDX-License-Identifier: BSD-2-Clause
// peer.mjs - the WebSocket servers of others that make bench-waits compares
// with: run by bun, its own, which is uWebSockets; run by node, that of `ws`,
// found from the folder that is the first argument.  Both send back on /echo
// what they get, and to all on /room.  Prints its port.

async function serveBun() {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch(request, server) {
      const room = new URL(request.url).pathname === "/room";
      if (server.upgrade(request, { data: { room } })) return;
      return new Response("Hello, World!");
    },
    websocket: {
      idleTimeout: 900,
      backpressureLimit: 64 << 20,
      open(ws) {
        if (ws.data.room) ws.subscribe("room");
      },
      message(ws, message) {
        if (ws.data.room) server.publish("room", message);
        else ws.send(message);
      },
    },
  });
  console.log(server.port);
}

async function serveNode(folder) {
  const { createRequire } = await import("node:module");
  const { WebSocketServer } = createRequire(folder + "/")("ws");
  const server = new WebSocketServer({
    host: "127.0.0.1",
    port: 0,
    perMessageDeflate: false,
  });
  const room = new Set();
  server.on("connection", (socket, request) => {
    const isRoom = request.url === "/room";
    if (isRoom) room.add(socket);
    socket.on("close", () => room.delete(socket));
    socket.on("message", (data, binary) => {
      if (!isRoom) socket.send(data, { binary });
      else for (const each of room) each.send(data, { binary });
    });
  });
  server.on("listening", () => console.log(server.address().port));
}

if (globalThis.Bun) await serveBun();
else await serveNode(process.argv[2]);
