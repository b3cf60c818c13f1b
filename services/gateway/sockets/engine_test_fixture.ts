/**
 * A socket engine on a thread of its own, for its tests.
 * Runs on the test's thread, which owns the engine's.
 *
 * @module
 */

/** The engines' workers: each repeats the texts that it hears, and pauses its socket for a moment at the text "pause". */
const ENGINES = { serve: "./serve_rest_test_worker.ts", ws: "./ws_listener_test_worker.ts" } as const;

/** Starts an engine: its port, and what it has said since. */
export async function startEngine(engine: keyof typeof ENGINES) {
  const worker = new Worker(new URL(ENGINES[engine], import.meta.url), { type: "module" });
  const said: unknown[][] = [];
  const port = await new Promise<number>((resolve) => {
    worker.onmessage = ({ data }) => data[0] === "port" ? resolve(data[1]) : void said.push(data);
  });
  return { port, said, [Symbol.dispose]: () => worker.terminate() };
}
