/**
 * A disk without power: what is left of a folder when all stops at some point of the recorder's log. What was synced is
 * there. Of what was not, each write may be there, be gone, or be there in parts of 512 bytes; files that were made or
 * removed since the folder was synced may have been so or not, in their order.
 *
 * Runs on a test's thread; a disk belongs to the test that made it.
 *
 * @module
 */
import type { Prng } from "../prng.ts";
import { type DiskRecord, RECORD } from "./recorder.ts";

/** What becomes of writes that were not synced. */
export const FATES = ["all are lost", "the first are kept", "some are kept", "parts are kept"] as const;
type Fate = typeof FATES[number];

const SECTOR_BYTES = 512;
/** SQLite's shared memory is no file to be kept: it is there with anything in it, or not at all. */
const SHARED_MEMORY = /-shm$/;
const SHARED_MEMORY_BYTES = 32 * 1024;

class RecordedFile {
  content = new Uint8Array(0);
  /** Writes and truncations that are not safe yet. */
  unsafe: DiskRecord[] = [];
  /** How many of them a sync under way will make safe. */
  beingSynced = 0;
  exists = false;

  constructor(readonly name: string) {}
}

/** A folder as the recorder's log makes it, up to the record that was taken last. */
export class Disk {
  readonly #files = new Map<number, RecordedFile>();
  readonly #folder: string;
  /** Files made (true) and removed (false) since the folder was synced. */
  #entries: [file: RecordedFile, exists: boolean][] = [];

  /** @param folder The path that was recorded. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  apply(record: DiskRecord): void {
    if (record.type === RECORD.file) {
      const path = new TextDecoder().decode(record.bytes);
      const file = new RecordedFile(path.slice(this.#folder.length + 1));
      this.#files.set(record.file, file);
      this.#entries.push([file, true]);
      return;
    }
    if (record.type === RECORD.folder) {
      for (const [file, exists] of this.#entries) file.exists = exists;
      this.#entries = [];
      return;
    }
    const file = this.#files.get(record.file)!;
    switch (record.type) {
      case RECORD.write:
      case RECORD.truncate:
        file.unsafe.push(record);
        return;
      case RECORD.syncBegin:
        file.beingSynced = file.unsafe.length;
        return;
      case RECORD.syncEnd:
        for (const safe of file.unsafe.splice(0, file.beingSynced)) apply(file, safe);
        file.beingSynced = 0;
        return;
      case RECORD.unlink:
        this.#entries.push([file, false]);
        return;
      default:
        throw new Error(`Cannot replay record of type "${record.type}": this disk does not know it`);
    }
  }

  /** Writes what is left into `folder`, which is empty. */
  async cut(folder: string, fate: Fate, prng: Prng): Promise<void> {
    const exists = new Map([...this.#files.values()].map((file) => [file, file.exists]));
    const kept = fate === "all are lost" ? 0 : prng.int(0, this.#entries.length);
    for (const [file, isThere] of this.#entries.slice(0, kept)) exists.set(file, isThere);
    for (const [file, isThere] of exists) {
      if (SHARED_MEMORY.test(file.name)) {
        if (prng.chance(0.5)) await Deno.writeFile(`${folder}/${file.name}`, prng.bytes(SHARED_MEMORY_BYTES));
      } else if (isThere && !file.name.includes("/") && !file.name.endsWith(".sock")) {
        await Deno.writeFile(`${folder}/${file.name}`, remains(file, fate, prng));
      }
    }
  }
}

/** The content of a file after the cut. */
function remains(file: RecordedFile, fate: Fate, prng: Prng): Uint8Array {
  const copy = new RecordedFile(file.name);
  copy.content = file.content.slice();
  const first = prng.int(0, file.unsafe.length);
  file.unsafe.forEach((record, n) => {
    if (fate === "all are lost") return;
    if (fate === "the first are kept" && n > first) return;
    if (fate === "some are kept" && prng.chance(0.5)) return;
    const isTorn = fate === "parts are kept" || (fate === "the first are kept" && n === first);
    if (!isTorn || record.type === RECORD.truncate) return apply(copy, record);
    for (let at = 0; at < record.bytes.length; at += SECTOR_BYTES) {
      if (prng.chance(0.5)) continue;
      const bytes = record.bytes.subarray(at, at + SECTOR_BYTES);
      apply(copy, { ...record, offset: record.offset + at, bytes });
    }
  });
  return copy.content;
}

function apply(file: RecordedFile, { type, offset, bytes }: DiskRecord): void {
  if (type === RECORD.truncate) {
    const content = new Uint8Array(offset);
    content.set(file.content.subarray(0, offset));
    file.content = content;
    return;
  }
  const end = offset + bytes.length;
  if (end > file.content.length) {
    const content = file.content.buffer.byteLength >= end
      ? new Uint8Array(file.content.buffer, 0, end)
      : grown(file.content, end);
    file.content = content;
  }
  file.content.set(bytes, offset);
}

function grown(content: Uint8Array, bytes: number): Uint8Array<ArrayBuffer> {
  const buffer = new ArrayBuffer(Math.max(bytes, 2 * content.length));
  const result = new Uint8Array(buffer, 0, bytes);
  result.set(content);
  return result;
}
