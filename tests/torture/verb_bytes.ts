/**
 * Bad bytes in all other messages, and in HTTP: mutated REQ, COUNT, AUTH and NEG messages over WebSockets, mutated requests
 * over TCP. Each message that asks for an answer gets one; no page fails with 500.
 *
 * Runs in the process of whoever calls it, which owns the sockets.
 *
 * @module
 */
import { connect } from "../support/client.ts";
import type { Prng } from "../support/prng.ts";
import { signEvent, testKey } from "../support/sign.ts";
import { mutateText, mutateValue } from "./mutations.ts";
import type { Findings } from "./trial.ts";

const BATCH = 100;
const ANSWERS_MS_MAX = 30_000;
const HTTP_MS_MAX = 10_000;
/** What ends the answer to a message. */
const LAST_ANSWERS = ["EOSE", "CLOSED", "NOTICE", "COUNT", "OK", "NEG-MSG", "NEG-ERR"];
/** A first message of NIP-77, as clients send it: version 1, one range with a fingerprint, to the end. */
const NEG_MESSAGE = "6100000200" + "ab".repeat(16);

/** Sends batches of mutated messages until `untilMs`, or so many frames. */
export async function fuzzVerbs(
  url: string,
  prng: Prng,
  findings: Findings,
  { untilMs, framesMax }: { untilMs: number; framesMax: number },
): Promise<void> {
  for (let sent = 0; sent < framesMax && performance.now() < untilMs; sent += BATCH) {
    const frames = Array.from({ length: BATCH }, (_, n) => verbFrame(prng, `${n} ${prng.hex(8)}`));
    const asking = frames.filter((frame) => !frame.isSilent).length;
    const answers = await answersTo(url, frames.map(({ text }) => text), asking);
    findings.count("other frames", BATCH);
    if (answers.answered < asking || answers.answered > BATCH) {
      findings.fail("other frames", [`${answers.answered} answers to ${asking}..${BATCH}: ${answers.how}`]);
    }
  }
}

/** Opens a connection for one batch, and counts what ends an answer. */
async function answersTo(
  url: string,
  frames: readonly string[],
  asking: number,
): Promise<{ answered: number; how: string }> {
  const done = Promise.withResolvers<void>();
  let answered = 0;
  await using client = await connect(url, {
    onText: (text) => {
      const type = (JSON.parse(text) as [string])[0];
      if (LAST_ANSWERS.includes(type) && ++answered >= asking) done.resolve();
    },
  });
  const timer = setTimeout(() => done.resolve(), ANSWERS_MS_MAX);
  for (const frame of frames) if (client.isOpen) client.sendRaw(frame);
  await Promise.race([done.promise, client.closed]);
  clearTimeout(timer);
  if (client.isOpen) return { answered, how: "open" };
  const { code, reason } = await client.closed;
  return { answered, how: `closed with ${code} ${reason}` };
}

/** Ids are never equal, so that no request takes another one's place; CLOSE asks for no answer. */
function verbFrame(prng: Prng, id: string): { text: string; isSilent: boolean } {
  const verb = prng.pick(["REQ", "REQ", "COUNT", "CLOSE", "AUTH", "NEG-OPEN", "NEG-MSG", "NEG-CLOSE", "ODD"]);
  const filter = prng.pick([
    { kinds: [1], limit: 5 },
    { authors: [testKey(1).pubkey], kinds: [0, 3], limit: 2 },
    { ids: [prng.hex(32)], "#e": [prng.hex(32)], "#t": ["anchor"] },
    { since: 1_700_000_000, until: 1_800_000_000, limit: 3, search: "beacon sort:top" },
  ]);
  const odd = () => prng.chance(0.5) ? mutateValue(prng, filter) : filter;
  const messages: Record<string, unknown[]> = {
    REQ: ["REQ", id, odd(), odd()],
    COUNT: ["COUNT", id, odd()],
    CLOSE: ["CLOSE", id],
    AUTH: [
      "AUTH",
      mutateValue(prng, signEvent(testKey(1), { kind: 22_242, tags: [["relay", "x"], ["challenge", "y"]] })),
    ],
    "NEG-OPEN": ["NEG-OPEN", id, odd(), prng.chance(0.5) ? mutateText(prng, NEG_MESSAGE) : NEG_MESSAGE],
    "NEG-MSG": ["NEG-MSG", id, mutateText(prng, NEG_MESSAGE)],
    "NEG-CLOSE": ["NEG-CLOSE", id],
    ODD: [prng.pick(["", "req", "EVENTS", 1, null]), id, odd()],
  };
  const text = JSON.stringify(messages[verb]);
  const isSilent = verb === "CLOSE" || verb === "NEG-CLOSE";
  return { text: prng.chance(0.5) ? mutateText(prng, text) : text, isSilent };
}

/** Sends mutated HTTP requests until `untilMs`, or so many. */
export async function fuzzHttp(
  url: string,
  prng: Prng,
  findings: Findings,
  { untilMs, framesMax }: { untilMs: number; framesMax: number },
): Promise<void> {
  const { hostname, port, host } = new URL(url);
  for (let sent = 0; sent < framesMax && performance.now() < untilMs; sent++) {
    const text = prng.chance(0.1) ? httpRequest(prng, host) : mutateText(prng, httpRequest(prng, host));
    const connection = await Deno.connect({ hostname, port: Number(port) });
    const timer = setTimeout(() => connection.close(), HTTP_MS_MAX);
    let answer = "";
    try {
      await connection.write(new TextEncoder().encode(text));
      await connection.closeWrite();
      answer = await firstBytes(connection);
    } catch {
      // The relay closed it: an answer too.
    }
    clearTimeout(timer);
    try {
      connection.close();
    } catch {
      findings.fail("HTTP", [`no answer and no end in ${HTTP_MS_MAX} ms: ${JSON.stringify(text)}`]);
    }
    findings.count("HTTP requests");
    if (/^HTTP\/1\.1 5/.test(answer)) {
      findings.fail("HTTP", [`${answer.slice(0, 40)}: ${JSON.stringify(text)}`]);
    }
  }
}

async function firstBytes(connection: Deno.TcpConn): Promise<string> {
  const bytes = new Uint8Array(1_024);
  const read = await connection.read(bytes);
  return new TextDecoder().decode(bytes.subarray(0, read ?? 0));
}

function httpRequest(prng: Prng, host: string): string {
  const close = `Host: ${host}\r\nConnection: close\r\n`;
  const rpc = JSON.stringify(mutateValue(prng, { method: "banpubkey", params: [prng.hex(32), "spam"] }));
  const proof = btoa(
    JSON.stringify(mutateValue(prng, signEvent(testKey(1), { kind: 27_235, tags: [["u", "http://x/"]] })))
      .replaceAll(/[^\x20-\x7e]/g, "?"),
  );
  return prng.pick([
    `GET / HTTP/1.1\r\n${close}Accept: application/nostr+json\r\n\r\n`,
    `GET / HTTP/1.1\r\n${close}Accept: text/html;q=0.9, */*;q=0.1\r\n\r\n`,
    `GET /health HTTP/1.1\r\n${close}\r\n`,
    `GET /metrics HTTP/1.1\r\n${close}\r\n`,
    `OPTIONS / HTTP/1.1\r\n${close}Origin: https://example.com\r\nAccess-Control-Request-Method: POST\r\n\r\n`,
    `POST / HTTP/1.1\r\n${close}Content-Type: application/nostr+json+rpc\r\nAuthorization: Nostr ${proof}\r\n` +
    `Content-Length: ${rpc.length}\r\n\r\n${rpc}`,
    `GET / HTTP/1.1\r\n${close}Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n` +
    `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n\x81\x85\x00\x00\x00\x00hello`,
  ]);
}
