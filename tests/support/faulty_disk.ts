/**
 * Disks that fail when a test says so: a library that is loaded before libc, and a small file system of its own.
 * Runs on a test's thread; each belongs to the test that made it.
 *
 * @module
 */
// deno-lint-ignore-file no-console -- says why tests are skipped

const SOURCE = new URL("disk/disk_fault.c", import.meta.url).pathname;

/** What writes and syncs do: work, fail, or take their time first. */
export type DiskMode = "ok" | "EIO" | "EROFS" | "ENOSPC" | `slow ${number}`;

/** A directory whose writes fail on demand, for one relay. `await using` removes it. */
export class FaultyDisk implements AsyncDisposable {
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  /** The data directory on this disk. */
  get dataDir(): string {
    return `${this.#directory}/data`;
  }

  /** What the relay's environment needs. */
  get environment(): Record<string, string> {
    return {
      LD_PRELOAD: `${this.#directory}/disk_fault.so`,
      DISK_FAULT_DIR: this.dataDir,
      DISK_FAULT_CONTROL: `${this.#directory}/control`,
    };
  }

  async set(mode: DiskMode): Promise<void> {
    // One rename, so that the library never reads half a word.
    await Deno.writeTextFile(`${this.#directory}/next`, mode);
    await Deno.rename(`${this.#directory}/next`, `${this.#directory}/control`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#directory, { recursive: true });
  }

  /** @throws {Error} if there is no C compiler; ask {@linkcode canInject} first. */
  static async make(): Promise<FaultyDisk> {
    const directory = await Deno.makeTempDir({ prefix: "sluice-disk-" });
    const { code, stderr } = await new Deno.Command("cc", {
      args: ["-O1", "-shared", "-fPIC", "-o", `${directory}/disk_fault.so`, SOURCE, "-ldl"],
    }).output();
    if (code !== 0) throw new Error(`Cannot build "${SOURCE}": ${new TextDecoder().decode(stderr)}`);
    const disk = new FaultyDisk(directory);
    await disk.set("ok");
    return disk;
  }
}

/** A file system in memory, of a fixed size. `await using` unmounts it. */
export class SmallDisk implements AsyncDisposable {
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  /** The data directory on this disk. */
  get dataDir(): string {
    return `${this.#directory}/data`;
  }

  /** Takes all the room but `bytesLeft`. */
  async fill(bytesLeft: number): Promise<void> {
    const { stdout } = await new Deno.Command("df", {
      args: ["--output=avail", "-B1", this.#directory],
    }).output();
    const free = Number(new TextDecoder().decode(stdout).trim().split("\n").at(-1));
    using file = await Deno.open(`${this.#directory}/filler`, { create: true, append: true });
    const chunk = new Uint8Array(64 * 1024);
    for (let left = free - bytesLeft; left > 0; left -= chunk.length) {
      await file.write(chunk.subarray(0, Math.min(left, chunk.length)));
    }
  }

  /** Gives the room back. */
  async clear(): Promise<void> {
    await Deno.remove(`${this.#directory}/filler`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await run("umount", "--lazy", this.#directory);
    await Deno.remove(this.#directory, { recursive: true });
  }

  /** @throws {Error} if this user may not mount; ask {@linkcode canMount} first. */
  static async make(mebibytes: number): Promise<SmallDisk> {
    const directory = await Deno.makeTempDir({ prefix: "sluice-disk-" });
    if (!await run("mount", "-t", "tmpfs", "-o", `size=${mebibytes}m`, "tmpfs", directory)) {
      await Deno.remove(directory);
      throw new Error(`Cannot mount a file system at "${directory}": this user may not`);
    }
    return new SmallDisk(directory);
  }
}

/** Whether a compiler is here, and the system loads libraries before libc; says so where not. */
export async function canInject(): Promise<boolean> {
  if (Deno.build.os === "linux" && await run("cc", "--version")) return true;
  console.log("The tests of a failing disk are skipped: they need Linux and a C compiler");
  return false;
}

/** Whether this user may mount; says so where not. */
export async function canMount(): Promise<boolean> {
  try {
    await using _disk = await SmallDisk.make(1);
    return true;
  } catch (error) {
    console.log(`The tests of a full disk are skipped: ${(error as Error).message}`);
    return false;
  }
}

async function run(program: string, ...args: string[]): Promise<boolean> {
  try {
    return (await new Deno.Command(program, { args, stdout: "null", stderr: "null" }).output()).code === 0;
  } catch {
    return false;
  }
}
