/**
 * What the bench prints: results on standard output, one JSON text a line; progress on standard error.
 * Runs in the bench's own process.
 *
 * @module
 */
const encoder = new TextEncoder();

/** Prints a result. */
export async function printResult(result: unknown): Promise<void> {
  await write(Deno.stdout, JSON.stringify(result) + "\n");
}

/** Prints what is going on. */
export async function printProgress(text: string): Promise<void> {
  await write(Deno.stderr, text + "\n");
}

async function write(stream: { write(bytes: Uint8Array): Promise<number> }, text: string): Promise<void> {
  let bytes = encoder.encode(text);
  while (bytes.length > 0) bytes = bytes.subarray(await stream.write(bytes));
}
