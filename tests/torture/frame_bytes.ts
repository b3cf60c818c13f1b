/**
 * Bad bytes below messages: frames of WebSockets (RFC 6455) with wrong lengths, masks, opcodes and reserved bits, in pieces
 * and cut off. Whatever they say, the relay ends the connection when the client has stopped sending.
 *
 * Runs in the process of whoever calls it, which owns the sockets.
 *
 * @module
 */
import type { Prng } from "../support/prng.ts";
import { mutateText } from "./mutations.ts";
import type { Findings } from "./trial.ts";

const END_MS_MAX = 20_000;
const FRAMES_MAX = 6;
const TEXTS = [
  '["REQ","a",{"limit":1}]',
  '["CLOSE","a"]',
  '["EVENT",{"id":"é"}]',
  '["COUNT","a",{"kinds":[1]}]',
  "",
  " ".repeat(70_000),
];
/** Text, binary, continuation, close, ping, pong, and two that there are none of. */
const OPCODES = [1, 1, 1, 1, 2, 0, 8, 9, 10, 3, 11];

/** Opens connections until `untilMs`, or so many. */
export async function fuzzFrames(
  url: string,
  prng: Prng,
  findings: Findings,
  { untilMs, framesMax }: { untilMs: number; framesMax: number },
): Promise<void> {
  const { hostname, port, host } = new URL(url);
  const handshake = `GET / HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
  for (let sent = 0; sent < framesMax && performance.now() < untilMs; sent++) {
    const frames = Array.from({ length: prng.int(1, FRAMES_MAX) }, () => frame(prng));
    const connection = await Deno.connect({ hostname, port: Number(port) });
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      connection.close();
    }, END_MS_MAX);
    try {
      await write(connection, new TextEncoder().encode(handshake));
      await connection.read(new Uint8Array(1_024));
      for (const bytes of frames) await write(connection, bytes);
      await connection.closeWrite();
      for (const rest = new Uint8Array(16_384); await connection.read(rest) !== null;);
    } catch {
      // Reset by the relay: an end too.
    }
    clearTimeout(timer);
    if (isLate) {
      const hex = frames.map((bytes) => bytes.subarray(0, 64).toHex()).join(" ");
      findings.fail("WebSocket frames", [`no end in ${END_MS_MAX} ms: ${hex}`]);
    } else connection.close();
    findings.count("WebSocket frames", frames.length);
  }
}

async function write(connection: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

/** A frame as clients send it, masked; in one of two something of it is wrong. */
function frame(prng: Prng): Uint8Array {
  const isWrong = prng.chance(0.5);
  const text = prng.pick(TEXTS);
  const payload = new TextEncoder().encode(isWrong ? mutateText(prng, text) : text);
  if (isWrong && prng.chance(0.3) && payload.length > 0) {
    payload[prng.int(0, payload.length - 1)] = prng.int(128, 255);
  }
  const opcode = prng.pick(OPCODES);
  const final = prng.chance(0.9) ? 0x80 : 0;
  const reserved = isWrong && prng.chance(0.2) ? prng.int(1, 7) << 4 : 0;
  const masked = isWrong && prng.chance(0.1) ? 0 : 0x80;
  const mask = new Uint8Array([prng.int(0, 255), prng.int(0, 255), prng.int(0, 255), prng.int(0, 255)]);
  const bytes = new Uint8Array([
    final | reserved | opcode,
    ...lengthOf(prng, payload.length, isWrong && prng.chance(0.2), masked),
    ...(masked ? mask : []),
    ...payload.map((byte, at) => masked ? byte ^ mask[at & 3]! : byte),
  ]);
  return isWrong && prng.chance(0.2) ? bytes.subarray(0, prng.int(0, bytes.length)) : bytes;
}

/** The length, in 1, 3 or 9 bytes; a wrong one is any number, or one that needs no so many bytes. */
function lengthOf(prng: Prng, length: number, isWrong: boolean, masked: number): number[] {
  const told = isWrong ? prng.pick([length + 1, 0, 126, 65_536, 2 ** 31, 2 ** 32, 2 ** 53]) : length;
  const long = isWrong && prng.chance(0.3);
  if (told < 126 && !long) return [masked | told];
  if (told < 65_536 && !long) return [masked | 126, told >> 8, told & 255];
  const bytes = new DataView(new ArrayBuffer(8));
  bytes.setBigUint64(0, BigInt(told));
  return [masked | 127, ...new Uint8Array(bytes.buffer)];
}
