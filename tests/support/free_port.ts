/**
 * Ports for programs under test.
 * Runs on a test's thread; holds the last port it gave.
 *
 * @module
 */

/** Below the range of outgoing connections, so that no client takes a port while its relay restarts. */
const PORT_MIN = 20_000;
const PORT_MAX = 29_999;

let last = PORT_MIN + crypto.getRandomValues(new Uint16Array(1))[0]! % (PORT_MAX - PORT_MIN);

/**
 * A port on which nobody listens on the loopback address. It starts at a random place, so that test processes that run
 * at the same time do not meet.
 *
 * @throws {Error} if a hundred ports in a row are taken.
 */
export function freePort(): number {
  for (let attempt = 0; attempt < 100; attempt++) {
    last = last < PORT_MAX ? last + 1 : PORT_MIN;
    try {
      Deno.listen({ hostname: "127.0.0.1", port: last }).close();
      return last;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
  throw new Error(`Cannot find port: the hundred before ${last} are taken`);
}
