/**
 * A client that floods, on a thread of its own, so that nothing of the test's holds it back: it sends the same messages
 * over and over without waiting for an answer, and reads all that comes.
 *
 * Its first message says where and what; it posts "flooding" when it has begun. At the second one it ends, when there are
 * `answersPerRound` answers for each round of its messages, and posts what it was answered: how often, by kind.
 *
 * @module
 */
import { OPCODE, openRawSocket, textFrame } from "../protocol/raw_socket.ts";

/** What to flood with. */
export interface Flood {
  readonly url: string;
  readonly messages: readonly unknown[][];
  /** The least number of answers to one round of the messages. */
  readonly answersPerRound: number;
}

/** Answers by the kind of each: its type, and the prefix of its refusal. */
export type FloodReport = Record<string, number>;

interface Scope {
  onmessage: ((message: MessageEvent) => void) | null;
  postMessage(message: unknown): void;
  close(): void;
}

const scope = globalThis as unknown as Scope;
let isOver = false;

/** `OK` of an event that was taken; of a refusal its prefix too, as in `OK rate-limited`. */
function kindOf(message: unknown[]): string {
  const [type, , isAccepted] = message;
  if (type === "CLOSED" || (type === "OK" && isAccepted !== true)) {
    return `${type} ${String(message.at(-1)).split(":")[0]}`;
  }
  return String(type);
}

async function flood({ url, messages, answersPerRound }: Flood): Promise<FloodReport> {
  using socket = await openRawSocket(url);
  const frames = messages.map((message) => textFrame(JSON.stringify(message)));
  const round = new Uint8Array(await new Blob(frames).arrayBuffer());
  const report: FloodReport = {};
  let answers = 0;
  let due = Infinity;
  const reading = (async () => {
    while (answers < due) {
      const frame = await socket.next();
      if (frame === null) throw new Error("Cannot flood: the relay has ended the connection");
      if (frame.opcode !== OPCODE.text) continue;
      const message = JSON.parse(new TextDecoder().decode(frame.payload));
      // The challenge is no answer.
      if (message[0] === "AUTH") continue;
      const kind = kindOf(message);
      report[kind] = (report[kind] ?? 0) + 1;
      answers++;
    }
  })();
  scope.postMessage("flooding");
  let rounds = 0;
  const sending = (async () => {
    for (; !isOver; rounds++) await socket.write(round);
    due = rounds * answersPerRound;
  })();
  await sending;
  await reading;
  return report;
}

scope.onmessage = ({ data }) => {
  if (data === "stop") return void (isOver = true);
  flood(data as Flood)
    .then((report) => scope.postMessage(report), (error) => scope.postMessage({ [String(error)]: 1 }))
    .finally(() => scope.close());
};
scope.postMessage("here");
