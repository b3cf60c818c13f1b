/**
 * Somebody who uses a relay at a steady low rate while others attack it, on a thread of its own: a publisher; an
 * asker; a visitor, who comes by a new connection for each request and so meets every gateway; or the control, which speaks
 * to a mirror in place of the relay and so tells what the machine takes for itself. Each sends
 * when it is time to, whether or not it has been answered, so that a hang counts as often as it is met.
 *
 * Gets its role first and says "ready"; at each "cut" it posts what it has seen since the one before; at "stop" it ends.
 *
 * @module
 */
import { OPCODE, openRawSocket, type RawSocket } from "../../protocol/raw_socket.ts";
import { signEvent, testKey } from "../../support/sign.ts";

/** What a bystander does. */
export interface Role {
  readonly name: "publisher" | "asker" | "visitor" | "control";
  /** The relay's address, or the mirror's port. */
  readonly target: string;
}

/** What it has seen. */
export interface Sightings {
  /** How long each answer took, ms. */
  readonly latenciesMs: readonly number[];
  /** For how long it has waited for those that have not come, ms. */
  readonly waitingMs: readonly number[];
  readonly faults: readonly string[];
}

interface Scope {
  onmessage: ((message: MessageEvent) => void) | null;
  postMessage(message: unknown): void;
  close(): void;
}

/** Between two requests, and between two visits, ms. */
const EVERY_MS = 25;
const VISIT_EVERY_MS = 100;
/** Visits under way at a time; a relay that keeps so many waiting hangs. */
const VISITS_MAX = 200;
/** The pause before it connects again, ms. */
const AGAIN_MS = 250;
const FAULTS_MAX = 10;
/** Requests that a bystander has unanswered at a time: fewer than the subscriptions that a connection may have. */
const UNANSWERED_MAX = 150;
const scope = globalThis as unknown as Scope;
const decoder = new TextDecoder();
const key = testKey(7_800);
const waiting = new Map<string, number>();
let latenciesMs: number[] = [];
let faults: string[] = [];
let isOver = false;
let sent = 0;

function fault(sentence: string): void {
  if (faults.length < FAULTS_MAX) faults.push(sentence);
}

function answered(id: string): void {
  const sinceMs = waiting.get(id);
  if (sinceMs === undefined) return;
  waiting.delete(id);
  latenciesMs.push(performance.now() - sinceMs);
}

/** One request; returns by what its answer is known. */
function next(name: Role["name"]): [id: string, message: unknown[]] {
  sent++;
  if (name === "asker") {
    const id = `asked ${sent}`;
    const filters = [{ kinds: [1], limit: 20 }, { authors: [key.pubkey], limit: 5 }, {
      "#t": ["load"],
      limit: 10,
    }];
    return [id, ["REQ", id, filters[sent % filters.length]]];
  }
  const event = signEvent(key, { content: `${sent} ${crypto.randomUUID()}` });
  return [event.id, ["EVENT", event]];
}

function hear(socket: RawSocket, text: string): void {
  const [type, id, isAccepted] = JSON.parse(text);
  if (type === "OK") {
    if (isAccepted !== true) fault(`refused: ${text.slice(0, 200)}`);
    answered(id);
  } else if (type === "EOSE" || type === "CLOSED") {
    if (type === "CLOSED") fault(`closed: ${text.slice(0, 200)}`);
    answered(id);
    if (type === "EOSE") socket.send(OPCODE.text, JSON.stringify(["CLOSE", id])).catch(() => {});
  } else if (type === "NOTICE") fault(`told: ${text.slice(0, 200)}`);
}

async function speak({ name, target }: Role, socket: RawSocket): Promise<void> {
  let isGone = false;
  const reading = (async () => {
    const take = (opcode: number, payload: Uint8Array<ArrayBuffer>) => {
      const text = opcode === OPCODE.text ? decoder.decode(payload) : null;
      if (text === null) return;
      if (name === "control") answered(JSON.parse(text)[1].id);
      else hear(socket, text);
    };
    while (await socket.readFrames(take).catch(() => false));
    isGone = true;
  })();
  let dueMs = performance.now();
  while (!isOver && !isGone) {
    if (waiting.size < UNANSWERED_MAX) {
      const [id, message] = next(name);
      waiting.set(id, performance.now());
      await socket.send(OPCODE.text, JSON.stringify(message)).catch(() => isGone = true);
    }
    dueMs = Math.max(dueMs + EVERY_MS, performance.now() - 40 * EVERY_MS);
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, dueMs - performance.now())));
  }
  socket[Symbol.dispose]();
  await reading;
  if (!isOver) fault(`the connection to ${target} has ended, with ${waiting.size} unanswered`);
  for (const sinceMs of waiting.values()) latenciesMs.push(performance.now() - sinceMs);
  waiting.clear();
}

/** Comes, asks one thing, and leaves. */
async function visit(target: string, id: string): Promise<void> {
  waiting.set(id, performance.now());
  using socket = await openRawSocket(target);
  await socket.send(OPCODE.text, JSON.stringify(["REQ", id, { kinds: [1], limit: 1 }]));
  while (true) {
    const [type] = await socket.nextMessage();
    if (type === "CLOSED") fault(`was closed: ${id}`);
    if (type === "EOSE" || type === "CLOSED") return answered(id);
  }
}

async function visitAgainAndAgain({ target }: Role): Promise<void> {
  const visits = new Set<Promise<void>>();
  while (!isOver) {
    const id = `visit ${sent++}`;
    if (visits.size < VISITS_MAX) {
      const visiting: Promise<void> = visit(target, id).catch((error) => {
        // Whoever is let in and dropped has waited for nothing.
        answered(id);
        if (!isOver) fault(`cannot visit: ${error}`);
      }).finally(() => visits.delete(visiting));
      visits.add(visiting);
    }
    await new Promise((resolve) => setTimeout(resolve, VISIT_EVERY_MS));
  }
}

async function use(role: Role): Promise<void> {
  let isReady = false;
  while (!isOver) {
    const socket = await openRawSocket(role.target).catch(() => null);
    if (!isReady) scope.postMessage("ready");
    isReady = true;
    if (socket !== null) await speak(role, socket);
    else fault("the relay takes no connection");
    if (!isOver) await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}

scope.onmessage = ({ data }) => {
  if (data === "stop") return void (isOver = true);
  if (data !== "cut") {
    const role = data as Role;
    if (role.name === "visitor") scope.postMessage("ready");
    const using = role.name === "visitor" ? visitAgainAndAgain(role) : use(role);
    return void using.finally(() => scope.postMessage("gone"));
  }
  const nowMs = performance.now();
  scope.postMessage(
    {
      latenciesMs,
      waitingMs: [...waiting.values()].map((sinceMs) => nowMs - sinceMs),
      faults,
    } satisfies Sightings,
  );
  latenciesMs = [];
  faults = [];
};
scope.postMessage("here");
