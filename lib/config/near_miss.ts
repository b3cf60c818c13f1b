/**
 * Finds variables that were meant for us but are not ours: a typing error must stop the start, not be ignored.
 * Runs on any thread; holds no state.
 *
 * @module
 */

/** Variables that begin so are ours. */
const FAMILIES = ["RELAY_", "OPENSEARCH_"];

/** Names in those families that belong to OpenSearch's own programs. */
const FOREIGN = new Set([
  "OPENSEARCH_HOME",
  "OPENSEARCH_PATH_CONF",
  "OPENSEARCH_JAVA_HOME",
  "OPENSEARCH_JAVA_OPTS",
  "OPENSEARCH_TMPDIR",
  "OPENSEARCH_INITIAL_ADMIN_PASSWORD",
]);

/** What Kubernetes and Docker add for a service named `relay` or `opensearch`: its address, not a setting. */
const SERVICE_LINK = /_SERVICE_(HOST|PORT)(_|$)|_PORT_\d+_(TCP|UDP)(_|$)/;

/**
 * Whether the variable `name` of the process environment was meant for us although `names` lacks it.
 * The environment is full of other programs' variables, so that a short name has to be closer than a long one.
 */
export function isNearMiss(name: string, value: string, names: readonly string[]): boolean {
  if (names.includes(name)) return false;
  if (FAMILIES.some((family) => name.startsWith(family))) {
    return !FOREIGN.has(name) && !SERVICE_LINK.test(name) && !/^(tcp|udp):\/\//.test(value);
  }
  const upper = name.toUpperCase();
  return names.some((own) => {
    // HOME is two letters from HOST, and SORT one from PORT: of a short name only a swap counts.
    if (own.length < 6) return upper !== own ? isSwap(upper, own) : name !== own;
    return editDistance(upper, own) <= (own.length < 10 ? 1 : 2);
  });
}

/** The one of `names` that `name` most likely meant, or undefined when none is near. */
export function nearest(name: string, names: readonly string[]): string | undefined {
  const upper = name.toUpperCase();
  let best: string | undefined;
  let bestDistance = Math.max(3, Math.ceil(name.length / 3));
  for (const own of names) {
    const distance = editDistance(upper, own);
    if (distance < bestDistance) [best, bestDistance] = [own, distance];
  }
  return best;
}

/** Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b` (optimal string alignment). */
export function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      let cost = Math.min(replace, last[j]! + 1, row[j - 1]! + 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) cost = Math.min(cost, before[j - 2]! + 1);
      row.push(cost);
    }
    before = last;
    last = row;
  }
  return last[b.length]!;
}

/** Whether a swap of two neighbours turns `a` into `b`. */
function isSwap(a: string, b: string): boolean {
  return a.length === b.length && editDistance(a, b) === 1 && [...a].sort().join() === [...b].sort().join();
}
