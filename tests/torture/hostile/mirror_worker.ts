/**
 * A WebSocket server that sends back what it gets, on a thread of its own: what a round trip takes that meets no relay.
 * Posts its address; ends with its thread.
 *
 * @module
 */
interface Scope {
  postMessage(message: unknown): void;
}

Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen: ({ port }) => (globalThis as unknown as Scope).postMessage(`ws://127.0.0.1:${port}`),
}, (request) => {
  const { socket, response } = Deno.upgradeWebSocket(request);
  socket.onmessage = ({ data }) => socket.send(data);
  return response;
});
