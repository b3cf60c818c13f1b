/**
 * Somebody who uses a relay while others misuse it, on a thread of its own, so that what it waits for is the relay and not
 * the test's thread: again and again it publishes, asks for what it published, and gets it live.
 *
 * Says "here" when it listens. Gets the relay's address as its first message and says "ready" when it is connected; at
 * the second one it ends, and posts how long each round took, ms, and what went wrong.
 *
 * @module
 */
import { OPCODE, openRawSocket } from "../protocol/raw_socket.ts";
import { signEvent, testKey } from "./sign.ts";

/** What it has seen. */
export interface BystanderReport {
  readonly roundsMs: number[];
  readonly faults: string[];
}

interface Scope {
  onmessage: ((message: MessageEvent) => void) | null;
  postMessage(message: unknown): void;
  close(): void;
}

/** Between two rounds, ms: a person, not a load. */
const PAUSE_MS = 20;
const KEY = testKey(7_777);
const scope = globalThis as unknown as Scope;
let isOver = false;

async function use(url: string): Promise<BystanderReport> {
  const roundsMs: number[] = [];
  const faults: string[] = [];
  using socket = await openRawSocket(url);
  const say = (message: unknown[]) => socket.send(OPCODE.text, JSON.stringify(message));
  await say(["REQ", "live", { authors: [KEY.pubkey], limit: 0 }]);
  await socket.nextMessage();
  scope.postMessage("ready");
  while (!isOver) {
    const event = signEvent(KEY, { content: crypto.randomUUID() });
    const startedMs = performance.now();
    await say(["EVENT", event]);
    // Its OK, and the event, live: in either order.
    const seen = [await socket.nextMessage(), await socket.nextMessage()];
    const ok = seen.find(([type]) => type === "OK");
    if (ok?.[1] !== event.id || ok[2] !== true) faults.push(`not accepted: ${JSON.stringify(seen)}`);
    if (!seen.some(([type, id]) => type === "EVENT" && id === "live")) faults.push(`not live: ${ok}`);
    await say(["REQ", "own", { ids: [event.id] }]);
    const [found, end] = [await socket.nextMessage(), await socket.nextMessage()];
    if (found[0] !== "EVENT" || end[0] !== "EOSE") faults.push(`not found: ${JSON.stringify([found, end])}`);
    await say(["CLOSE", "own"]);
    roundsMs.push(performance.now() - startedMs);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  return { roundsMs, faults };
}

scope.onmessage = ({ data }) => {
  if (isOver || data === "stop") return void (isOver = true);
  use(data as string)
    .catch((error): BystanderReport => ({ roundsMs: [], faults: [`the bystander failed: ${error}`] }))
    .then((report) => scope.postMessage(report));
};
scope.postMessage("here");
