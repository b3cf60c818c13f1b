/**
 * The port to serve on, probed before anything starts.
 * Runs on the main thread; no state.
 *
 * @module
 */

/**
 * The port to serve on; for `PORT=0`, one that is free. Gateways share a port, so that none of them would notice that
 * another program, or another relay, has it.
 *
 * @throws {Error} if it is taken.
 */
export function findPort(hostname: string, port: number): number {
  try {
    const listener = Deno.listen({ hostname, port });
    const found = (listener.addr as Deno.NetAddr).port;
    listener.close();
    return found;
  } catch (error) {
    throw new Error(`Cannot listen on HOST "${hostname}", PORT "${port}": ${(error as Error).message}`);
  }
}

/**
 * The port of a relay that hands over.
 *
 * @throws {Error} for `PORT=0`.
 */
export function sharedPort(port: number): number {
  if (port === 0) throw new Error(`Cannot take over PORT "0": the relay that runs has a port of its own`);
  return port;
}
