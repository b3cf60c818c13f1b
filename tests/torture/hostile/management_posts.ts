/**
 * Requests to manage the relay without a proof: many streams of HTTP/2 on each of several connections, and plain ones.
 * Their bodies are as long as is read, and never end.
 * Runs in the process of whoever calls the trial; no state.
 *
 * @module
 */
import http2 from "node:http2";
import { MANAGEMENT_BODY_BYTES_MAX } from "../../../lib/limits.ts";
import { RPC_TYPE } from "../../protocol/management.ts";
import type { Attack, Stage } from "./attack.ts";

const CONNECTIONS = 30;
const STREAMS = 200;
const PLAIN = 100;
const BODY = new Uint8Array(MANAGEMENT_BODY_BYTES_MAX - 1).fill(0x20);

/** See the module's text. */
export const managementPosts: Attack = {
  name: "management posts",
  async run(stage) {
    for (let n = 0; n < stage.amount(CONNECTIONS, 3) && stage.goesOn; n++) {
      openStreams(stage);
      await stage.pause(20);
    }
    for (let n = 0; n < stage.amount(PLAIN, 10) && stage.goesOn; n++) await openPlain(stage);
  },
};

/** One connection of HTTP/2 without TLS, by prior knowledge. An engine that does not speak it ends it. */
function openStreams(stage: Stage): void {
  const session = http2.connect(stage.relay.httpUrl);
  session.on("error", () => stage.count("h2 connection ended"));
  stage.keep(() => session.destroy());
  for (let n = 0; n < stage.amount(STREAMS, 20); n++) {
    const stream = session.request({
      ":method": "POST",
      ":path": "/",
      "content-type": RPC_TYPE,
      "content-length": String(BODY.length + 1),
    });
    stream.on("error", () => stage.count("h2 stream ended"));
    stream.on("response", (headers) => judge(stage, Number(headers[":status"])));
    stream.on("data", () => {});
    stream.write(BODY, () => {});
  }
}

async function openPlain(stage: Stage): Promise<void> {
  const { hostname, port, host } = new URL(stage.relay.httpUrl);
  const connection = await Deno.connect({ hostname, port: Number(port) }).catch(() => null);
  if (connection === null) return stage.count("connection refused");
  stage.keep(() => connection.close());
  const head = `POST / HTTP/1.1\r\nHost: ${host}\r\nContent-Type: ${RPC_TYPE}\r\nContent-Length: ${
    BODY.length + 1
  }\r\n\r\n`;
  const write = async (bytes: Uint8Array) => {
    for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
  };
  const talk = async () => {
    await write(new TextEncoder().encode(head));
    await write(BODY);
    const answer = new Uint8Array(1_024);
    const length = await connection.read(answer) ?? 0;
    const [, status] = /^HTTP\/1\.1 (\d+)/.exec(new TextDecoder().decode(answer.subarray(0, length))) ?? [];
    if (status !== undefined) judge(stage, Number(status));
  };
  talk().catch(() => stage.count("HTTP connection ended"));
}

function judge(stage: Stage, status: number): void {
  stage.count(`HTTP ${status}`);
  if (status === 500 || status < 400) {
    stage.fault(`a management request without proof was answered ${status}`);
  }
}
