/**
 * The normal load beside which a relay is attacked, on a thread of its own: clients that publish at a steady pace, that
 * listen, and that ask for what is new. Gets the relay's address, says "ready", and ends at "stop".
 *
 * @module
 */
import { connect, type TestClient } from "../../support/client.ts";
import { signEvent, testKey } from "../../support/sign.ts";

interface Scope {
  onmessage: ((message: MessageEvent) => void) | null;
  postMessage(message: unknown): void;
}

const LISTENERS = 10;
const EVENTS_A_TURN = 5;
const TURN_MS = 100;
const LONGEST_MS = 120_000;
const scope = globalThis as unknown as Scope;
let isOver = false;

async function use(url: string): Promise<void> {
  const clients = await Promise.all(
    Array.from({ length: LISTENERS + 1 }, () => connect(url, { timeoutMs: LONGEST_MS })),
  );
  const [publisher, ...listeners] = clients as [TestClient, ...TestClient[]];
  for (const [n, listener] of listeners.entries()) {
    listener.send(["REQ", "live", { authors: [testKey(7_900 + n).pubkey] }]);
    listener.send(["REQ", "tags", { "#t": ["load", `load ${n}`], limit: 10 }]);
  }
  scope.postMessage("ready");
  for (let turn = 0; !isOver && clients.every(({ socket }) => socket.readyState === WebSocket.OPEN); turn++) {
    for (let n = 0; n < EVENTS_A_TURN; n++) {
      const tags = [["t", turn % 10 === 0 ? "load" : `load ${n}`]];
      const event = signEvent(testKey(7_900 + n), { tags, content: `${turn} ${n} ${crypto.randomUUID()}` });
      publisher.send(["EVENT", event]);
    }
    if (turn % 10 === 0) publisher.query({ kinds: [1], limit: 50 }).catch(() => {});
    for (const { inbox } of clients) inbox.length = 0;
    await new Promise((resolve) => setTimeout(resolve, TURN_MS));
  }
  await Promise.all(clients.map((client) => client.close().catch(() => {})));
}

/** While the relay is away, it comes back. */
async function goOn(url: string): Promise<void> {
  while (!isOver) {
    await use(url).catch(() => {});
    if (!isOver) await new Promise((resolve) => setTimeout(resolve, TURN_MS));
  }
  scope.postMessage("gone");
}

scope.onmessage = ({ data }) => {
  if (data === "stop") isOver = true;
  else goOn(data as string);
};
scope.postMessage("here");
