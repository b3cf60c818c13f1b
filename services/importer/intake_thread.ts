/**
 * Starts an import's worker and speaks with it.
 * Runs on the thread of the command; owns the worker.
 *
 * @module
 */
import { invariant } from "../../lib/invariant.ts";
import type { DecidedLines, IntakeLines, IntakeReply, IntakeStart } from "../../wire/intake.ts";

/** A worker that is ready. */
export interface IntakeThread {
  /** Answers come in the order of the calls. The bytes are the worker's from then on. */
  decide(lines: IntakeLines): Promise<DecidedLines>;
  end(): void;
}

/** @throws {Error} if it cannot start, as where its library or a policy file does not load. */
export async function startIntake(start: IntakeStart): Promise<IntakeThread> {
  const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module", name: "import" });
  const waiting: PromiseWithResolvers<IntakeReply>[] = [];
  /** Why it has died; it may do so with nothing to answer, and then answers nothing any more. */
  let death: Error | null = null;
  const ask = (message: IntakeStart | IntakeLines, transfer: Transferable[]): Promise<IntakeReply> => {
    if (death !== null) return Promise.reject(death);
    const answer = Promise.withResolvers<IntakeReply>();
    waiting.push(answer);
    worker.postMessage(message, transfer);
    return answer.promise;
  };
  worker.onmessage = ({ data }: MessageEvent<IntakeReply>) => waiting.shift()!.resolve(data);
  worker.onerror = (event) => {
    event.preventDefault();
    const failure = death = new Error(`Cannot import: its worker died: ${event.message}`);
    for (const { promise, reject } of waiting.splice(0)) {
      // Several may wait; whoever asked first hears of it, and ends the import.
      promise.catch(() => {});
      reject(failure);
    }
  };
  const ready = await ask(start, []);
  if (ready.type === "failed") {
    worker.terminate();
    throw new Error(ready.message);
  }
  return {
    async decide(lines) {
      const reply = await ask(lines, [lines.buffer]);
      invariant(reply.type === "decided", "the worker answers lines with what became of them");
      return reply;
    },
    end: () => worker.terminate(),
  };
}
