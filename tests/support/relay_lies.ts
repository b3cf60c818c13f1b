/**
 * What relays do wrong, by name, for `tests/support/simulated_relay.ts`.
 * Runs on a test's thread; each lie belongs to the relay that it was made for.
 *
 * @module
 */
import type { PlainEvent } from "./naive_matcher.ts";
import type { Lie, SimulatedClient } from "./simulated_relay.ts";
import { signEvent, testKey } from "./sign.ts";

const DAY_SECONDS = 86_400;
/** Texts that one lie sends at most, beyond what any client should take. */
const FLOOD_MESSAGES = 20_000;
const MEGABYTE = 1024 * 1024;

/** Answers a REQ, and leaves all else to the honest relay. */
function onReq(answer: (client: SimulatedClient, subscription: string) => void): Lie {
  return {
    onMessage(client, [verb, subscription]) {
      if (verb !== "REQ") return false;
      answer(client, subscription as string);
      return true;
    },
  };
}

/** Sends as fast as the client reads, until it closes or the bound is reached. */
function flood(client: SimulatedClient, text: (n: number) => string): void {
  let n = 0;
  (function more(error?: Error | null) {
    if (error || n >= FLOOD_MESSAGES || client.webSocket.readyState !== client.webSocket.OPEN) return;
    for (let turn = 0; turn < 100; turn++) client.send(text(n++));
    client.webSocket.send(text(n++), more);
  })();
}

/** Repeats something until the client's connection is over. */
function every(client: SimulatedClient, ms: number, act: () => void): void {
  const timer = setInterval(act, ms);
  client.webSocket.once("close", () => clearInterval(timer));
}

/** An event that the test key 9 has signed. */
export function note(n: number, fields: { kind?: number; created_at?: number } = {}): PlainEvent {
  return signEvent(testKey(9), { content: `note ${n}`, created_at: 1_700_000_000 + n, ...fields });
}

/** Events of kind 7 for whoever asks for others, then an honest EOSE. */
export const sendsOtherEvents: Lie = {
  onMessage(client, message) {
    if (message[0] === "REQ") client.send(["EVENT", message[1], note(1, { kind: 7 })]);
    return false;
  },
};

/** Events for a subscription that nobody opened, for ever. */
export const sendsUnasked: Lie = {
  onOpen(client) {
    const text = JSON.stringify(["EVENT", "nobody", note(1)]);
    flood(client, () => text);
  },
};

/** Ids that are not the events' own. */
export const sendsWrongIds: Lie = {
  onEvent: (event) => ({ ...event, id: event.id.split("").reverse().join("") }),
};

/** Signatures that are no one's. */
export const forgesSignatures: Lie = { onEvent: (event) => ({ ...event, sig: "0".repeat(128) }) };

/** All that comes is a year from now. */
export const isAYearAhead: Lie = {
  onEvent: (event) =>
    signEvent(testKey(9), { content: event.content, created_at: event.created_at + 365 * DAY_SECONDS }),
};

/** Stored events without end, each of the right kind. */
export const neverStops: Lie = onReq((client, id) =>
  flood(client, (n) => JSON.stringify(["EVENT", id, note(n)]))
);

/** Stored events, and no EOSE. */
export const sendsNoEose: Lie = onReq((client, id) => client.send(["EVENT", id, note(1)]));

/** One stored event each `ms`, and no EOSE. */
export function drips(ms: number): Lie {
  return onReq((client, id) => {
    let n = 0;
    every(client, ms, () => client.send(["EVENT", id, note(n++)]));
  });
}

/** The header of one frame of 64 MB, and then its bytes. */
export const sendsLongFrame: Lie = {
  onOpen({ webSocket }) {
    const header = new Uint8Array(10);
    header.set([0x81, 127]);
    new DataView(header.buffer).setBigUint64(2, BigInt(64 * MEGABYTE));
    const { _socket: socket } = webSocket as unknown as { _socket: import("node:net").Socket };
    socket.write(header);
    for (let n = 0; n < 64 && socket.writable; n++) socket.write(new Uint8Array(MEGABYTE).fill(0x20));
  },
};

/** One message in pieces of a byte, without end. */
export const sendsPieces: Lie = {
  onOpen({ webSocket }) {
    const { _socket: socket } = webSocket as unknown as { _socket: import("node:net").Socket };
    const pieces = new Uint8Array(3 * 10_000);
    for (let at = 0; at < pieces.length; at += 3) pieces.set([at === 0 ? 0x01 : 0x00, 1, 0x20], at);
    socket.write(pieces);
  },
};

/** Texts that are no JSON. */
export const sendsGarbage: Lie = {
  onOpen: (client) => flood(client, (n) => n % 2 === 0 ? "<html>" : '{"error":"no"}'),
};

/** Frames of binary. */
export const sendsBinary: Lie = { onOpen: ({ webSocket }) => webSocket.send(new Uint8Array(10)) };

/** Bytes that are no UTF-8, in a text. */
export const sendsWrongText: Lie = {
  onOpen: ({ webSocket }) => webSocket.send(new Uint8Array([0xff, 0xfe]), { binary: false }),
};

/** NOTICEs without end. */
export const sendsNotices: Lie = {
  onOpen: (client) => flood(client, () => '["NOTICE","buy\\u0007 this"]'),
};

/** A new challenge after each proof, which it accepts. */
export const challengesForEver: Lie = {
  onOpen: (client) => client.send(["AUTH", "first"]),
  onMessage(client, [verb, event]) {
    if (verb !== "AUTH") return false;
    client.send(["OK", (event as PlainEvent).id, true, ""]);
    client.send(["AUTH", crypto.randomUUID()]);
    return true;
  },
};

/** Refuses all but AUTH with `auth-required:` before a proof, which it accepts or not. */
export function wantsAuth({ accepts = true } = {}): Lie {
  const proved = new WeakSet<SimulatedClient>();
  return {
    onOpen: (client) => client.send(["AUTH", "challenge of the simulated relay"]),
    onMessage(client, [verb, first]) {
      if (verb === "AUTH") {
        client.send(["OK", (first as PlainEvent).id, accepts, accepts ? "" : "restricted: not you"]);
        if (accepts) proved.add(client);
        return true;
      }
      if (proved.has(client) || verb === "CLOSE") return false;
      const reason = "auth-required: prove a key";
      if (verb === "EVENT") client.send(["OK", (first as PlainEvent).id, false, reason]);
      else client.send([verb === "REQ" ? "CLOSED" : "NEG-ERR", first, reason]);
      return true;
    },
  };
}

/** Refuses the first `count` requests with `rate-limited:`. */
export function limitsRate(count: number): Lie {
  let left = count;
  return {
    onMessage(client, [verb, first]) {
      if (verb === "CLOSE" || left-- <= 0) return false;
      const reason = "rate-limited: slow down";
      if (verb === "EVENT") client.send(["OK", (first as PlainEvent).id, false, reason]);
      else client.send(["CLOSED", first, reason]);
      return true;
    },
  };
}

/** Answers events after a pause; `ms` Infinity: never. */
export function answersSlowly(ms: number): Lie {
  return {
    onMessage(client, message) {
      if (message[0] !== "EVENT") return false;
      if (ms === Infinity) return true;
      const timer = setTimeout(() => client.take(message), ms);
      client.webSocket.once("close", () => clearTimeout(timer));
      return true;
    },
  };
}

/** Closes when it is asked for anything. */
export const closesAtOnce: Lie = { onOpen: ({ webSocket }) => webSocket.close(1013, "go away") };

/** An answer to the handshake, and to requests for the document, other than what was asked for. */
export function answers(head: string, body = ""): Lie {
  return {
    onRequest(socket) {
      socket.end(`HTTP/1.1 ${head}\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`);
      return true;
    },
  };
}

/** Accepts the connection, and says nothing. */
export const isSilent: Lie = { onRequest: () => true };

/** A head of an answer that comes a byte each `ms`. */
export function dripsHead(ms: number): Lie {
  return {
    onRequest(socket) {
      socket.write("HTTP/1.1 101 Switching Protocols\r\nX-Long: ");
      const timer = setInterval(() => socket.write("x"), ms);
      socket.once("close", () => clearInterval(timer));
      return true;
    },
  };
}

/** A head of an answer without end. */
export const sendsLongHead: Lie = {
  onRequest(socket) {
    socket.write("HTTP/1.1 101 Switching Protocols\r\nX-Long: ");
    let left = 64;
    (function more() {
      if (left-- > 0 && socket.writable) socket.write(new Uint8Array(MEGABYTE).fill(0x78), more);
    })();
    return true;
  },
};

/** A document without end. */
export const sendsLongDocument: Lie = {
  onRequest(socket) {
    socket.write("HTTP/1.1 200 OK\r\nContent-Type: application/nostr+json\r\n\r\n{");
    let left = 64;
    (function more() {
      if (left-- > 0 && socket.writable) socket.write(new Uint8Array(MEGABYTE).fill(0x20), more);
    })();
    return true;
  },
};
