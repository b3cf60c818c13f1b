/**
 * Ports for programs under test.
 * Runs on a test's thread, which owns a block of ports for as long as it lives; holds the last port it gave.
 *
 * @module
 */

/** Below the range of outgoing connections, so that no client takes a port while its relay restarts. */
const PORT_MIN = 20_000;
const BLOCK_PORTS = 50;
const BLOCKS = 200;

// The first port of the block is taken for good: whoever else runs at the same time finds another block.
const block = claimBlock();
let last = 0;

/**
 * A port on which nobody listens on the loopback address, and which no other test thread or process is given.
 *
 * @throws {Error} if all ports of the block are taken.
 */
export function freePort(): number {
  for (let attempt = 1; attempt < BLOCK_PORTS; attempt++) {
    last = 1 + last % (BLOCK_PORTS - 1);
    if (tryListen(block + last, (listener) => listener.close())) return block + last;
  }
  throw new Error(`Cannot find port: those from ${block} to ${block + BLOCK_PORTS - 1} are taken`);
}

function claimBlock(): number {
  const start = crypto.getRandomValues(new Uint16Array(1))[0]!;
  for (let attempt = 0; attempt < BLOCKS; attempt++) {
    const port = PORT_MIN + (start + attempt) % BLOCKS * BLOCK_PORTS;
    if (tryListen(port, (listener) => listener.unref())) return port;
  }
  throw new Error(`Cannot claim ports: all ${BLOCKS} blocks are taken`);
}

function tryListen(port: number, done: (listener: Deno.TcpListener) => void): boolean {
  try {
    done(Deno.listen({ hostname: "127.0.0.1", port }));
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return false;
    throw error;
  }
}
