/**
 * The pieces of a stream, and a null where nothing has come for a while: what has gathered need not wait for more.
 * Runs on the thread of an import; holds no state beyond a stream's.
 *
 * @module
 */

/**
 * See the module's text.
 *
 * @param quietMs The silence that makes a pause, ms.
 */
export async function* withPauses<Piece>(
  pieces: AsyncIterable<Piece>,
  quietMs: number,
): AsyncGenerator<Piece | null> {
  const iterator = pieces[Symbol.asyncIterator]();
  try {
    for (let isFirst = true;; isFirst = false) {
      const next = iterator.next();
      // Before the first piece nothing has gathered.
      if (!isFirst && await isQuietFor(next, quietMs)) yield null;
      const { done, value } = await next;
      if (done) return;
      yield value;
    }
  } finally {
    // Not awaited: it may wait for a piece that never comes.
    iterator.return?.().catch(() => {});
  }
}

async function isQuietFor(next: Promise<unknown>, quietMs: number): Promise<boolean> {
  const { promise: quiet, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(true), quietMs);
  try {
    return await Promise.race([next.then(() => false, () => false), quiet]);
  } finally {
    clearTimeout(timer);
  }
}
