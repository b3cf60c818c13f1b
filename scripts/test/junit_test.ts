/** Tests of reading JUnit documents, as `deno test` 2.9 writes them. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { readJunit, sumTallies, writeJunit } from "./junit.ts";

const TWO_FILES = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="deno test" tests="7" failures="2" errors="0" time="0.156">
    <testsuite name="./lib/a_test.ts" tests="6" disabled="1" errors="0" failures="2">
        <testcase name="a &gt; is a name" classname="./lib/a_test.ts" time="0.500" line="1" col="6">
            <failure message="1 test step failed">1 test step failed.</failure>
        </testcase>
        <testcase name="ignored" classname="./lib/a_test.ts" time="0.000" line="2" col="6">
            <skipped/>
        </testcase>
        <testcase name="b" classname="./lib/a_test.ts" time="0.250" line="3" col="6">
        </testcase>
        <testcase name="a &gt; is a name &gt; step one" classname="./lib/a_test.ts" time="0.000" line="1" col="52">
        </testcase>
        <testcase name="a &gt; is a name &gt; step two" classname="./lib/a_test.ts" time="0.001" line="1" col="88">
            <failure message="Uncaught Error: x">Error: &lt;testcase&gt;</failure>
        </testcase>
        <testcase name="c &gt; d" classname="./lib/a_test.ts" time="0.125" line="1" col="88"/>
    </testsuite>
    <testsuite name="./lib/d.ts#2-6.ts" tests="1" disabled="0" errors="0" failures="0">
        <testcase name="d.ts#2-6.ts" classname="./lib/d.ts#2-6.ts" time="0.002" line="2" col="6">
        </testcase>
    </testsuite>
</testsuites>`;

Deno.test("readJunit() counts tests by file without their steps, and says why they failed", () => {
  const [first, second] = readJunit(TWO_FILES).map(({ xml: _, ...report }) => report);
  const failures = [
    { name: "a > is a name", reason: "1 test step failed." },
    { name: "a > is a name > step two", reason: "Error: <testcase>" },
  ];
  assertEquals(first, { path: "lib/a_test.ts", passed: 2, failed: 1, skipped: 1, seconds: 0.875, failures });
  assertEquals(second, {
    path: "lib/d.ts#2-6.ts",
    passed: 1,
    failed: 0,
    skipped: 0,
    seconds: 0.002,
    failures: [],
  });
});

Deno.test("readJunit() finds nothing in a document without tests", () => {
  assertEquals(readJunit(`<testsuites name="deno test" tests="0" failures="0" errors="0" time="0.0">`), []);
});

Deno.test("sumTallies() adds reports up", () => {
  assertEquals(sumTallies(readJunit(TWO_FILES)), { passed: 3, failed: 1, skipped: 1 });
});

Deno.test("writeJunit() keeps every test of its reports", () => {
  const joined = writeJunit([...readJunit(TWO_FILES), ...readJunit(TWO_FILES)]);
  assertStringIncludes(joined, "&lt;testcase&gt;");
  assertEquals(sumTallies(readJunit(joined)), { passed: 6, failed: 2, skipped: 2 });
});
