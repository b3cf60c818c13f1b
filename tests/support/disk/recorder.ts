/**
 * Builds the recorder of `recorder.c`, and reads its log back.
 * Runs on a test's thread; the library belongs to the test that had it built.
 *
 * @module
 */

/** Types of records; see `recorder.c`. */
export const RECORD = {
  file: 1,
  write: 2,
  truncate: 3,
  syncBegin: 4,
  syncEnd: 5,
  unlink: 6,
  rename: 7,
  folder: 8,
} as const;

/** One record. */
export interface DiskRecord {
  readonly type: number;
  readonly file: number;
  readonly offset: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Where the record ends in the log. */
  readonly end: number;
}

const HEADER_BYTES = 24;
const COMPILERS = ["gcc", "cc", "clang"];

/** Where a recorded process writes, and the environment that has it do so. */
export class Recorder {
  readonly logPath: string;
  readonly #lengthPath: string;
  readonly #library: string;

  constructor(library: string, folder: string) {
    this.#library = library;
    this.logPath = `${folder}/disk.log`;
    this.#lengthPath = `${folder}/disk.length`;
  }

  /** @param syncMs How much longer each sync takes, ms. */
  environment(dataDir: string, syncMs: number): Record<string, string> {
    return {
      LD_PRELOAD: this.#library,
      RECORDER_FOLDER: dataDir,
      RECORDER_LOG: this.logPath,
      RECORDER_LENGTH: this.#lengthPath,
      RECORDER_SYNC_MS: String(syncMs),
    };
  }

  /** How long the log is now, bytes: whatever happened before stands within. */
  length(): number {
    const bytes = Deno.readFileSync(this.#lengthPath);
    return Number(new DataView(bytes.buffer).getBigUint64(0, true));
  }

  /** The records, in their order. */
  async *records(): AsyncGenerator<DiskRecord> {
    const log = await Deno.readFile(this.logPath);
    const view = new DataView(log.buffer);
    for (let at = 0; at < log.length;) {
      const length = Number(view.getBigUint64(at + 16, true));
      const end = at + HEADER_BYTES + length;
      yield {
        type: view.getUint32(at, true),
        file: view.getUint32(at + 4, true),
        offset: Number(view.getBigUint64(at + 8, true)),
        bytes: log.subarray(at + HEADER_BYTES, end),
        end,
      };
      at = end;
    }
  }
}

/** Builds the library into `folder`. Returns its path, or why there is none. */
export async function buildRecorder(folder: string): Promise<{ path: string } | { reason: string }> {
  if (Deno.build.os !== "linux") return { reason: "LD_PRELOAD and its system calls are Linux's" };
  const path = `${folder}/recorder.so`;
  const source = new URL("./recorder.c", import.meta.url).pathname;
  const args = [
    "-O2",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-shared",
    "-fPIC",
    "-o",
    path,
    source,
    "-ldl",
    "-lpthread",
  ];
  for (const compiler of COMPILERS) {
    const output = await new Deno.Command(compiler, { args, stderr: "piped" }).output().catch(() => null);
    if (output === null) continue;
    if (output.success) return { path };
    throw new Error(`Cannot build "${source}": ${new TextDecoder().decode(output.stderr)}`);
  }
  return { reason: `no C compiler: looked for ${COMPILERS.join(", ")}` };
}
