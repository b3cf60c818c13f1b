/**
 * The suite that every search backend passes. Each test has an index of its own.
 * Runs on a test's thread; holds no state.
 *
 * @module
 */
import { filterCases } from "./filter_test_cases.ts";
import { rankingCases } from "./ranking_test_cases.ts";
import type { SearchIndex } from "./search_index.ts";
import { IndexUnderTest } from "./search_test_fixture.ts";
import { textCases } from "./text_test_cases.ts";
import { writingCases } from "./writing_test_cases.ts";

/** One backend under test. */
interface Backend {
  readonly name: string;
  /** Opens an index that holds nothing, prepared. */
  open(): Promise<SearchIndex>;
  /** Closes it and removes what it left. */
  close(index: SearchIndex): Promise<void>;
  /** Whether the run does without this backend. */
  readonly ignore?: boolean;
}

/** Registers the whole suite for one backend. */
export function testSearchIndex(backend: Backend): void {
  const cases = { ...rankingCases, ...filterCases, ...textCases, ...writingCases };
  for (const [name, run] of Object.entries(cases)) {
    Deno.test({
      name: `${backend.name} ${name}`,
      ignore: backend.ignore ?? false,
      async fn() {
        const index = await backend.open();
        try {
          await run(new IndexUnderTest(index));
        } finally {
          await backend.close(index);
        }
      },
    });
  }
}
