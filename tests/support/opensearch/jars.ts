/**
 * The jars of the test node: fetched by Maven and completed by the compiled launcher, once for a checkout.
 * Runs on the test's thread; the `lib` directory beside this file belongs to it.
 *
 * @module
 */

const HERE = import.meta.dirname!;
const LIB = `${HERE}/lib`;
/** Where a copy grows until it is whole. */
const WORKSHOP = `${HERE}/classes`;
/** The JVM's archive of loaded classes: halves the start. Lies with the jars, because it is of these jars only. */
const ARCHIVE = `${LIB}/node.jsa`;
/** Written last into the directory of jars: says that it is whole, and of which recipe. */
const STAMP = "recipe.txt";

const PACKAGE_OF: Record<string, string> = {
  java: "openjdk-17-jdk-headless",
  javac: "openjdk-17-jdk-headless",
  jar: "openjdk-17-jdk-headless",
  mvn: "maven",
};

/**
 * Returns the directory of the jars, after fetching them if they are missing or of another recipe.
 * Processes that do so at the same time each build their own copy; the first one to finish stays.
 *
 * @throws {Error} if a tool is missing, naming the Debian package that has it, or if it fails
 */
export async function jarsOf(): Promise<string> {
  await run("java", ["-version"]);
  const recipe = await Deno.readTextFile(`${HERE}/pom.xml`) +
    await Deno.readTextFile(`${HERE}/TestNode.java`);
  if (await stampOf(LIB) === recipe) return LIB;
  await Deno.mkdir(WORKSHOP, { recursive: true });
  const fresh = await Deno.makeTempDir({ dir: WORKSHOP });
  try {
    await build(fresh);
    await Deno.writeTextFile(`${fresh}/${STAMP}`, recipe);
    if (await stampOf(LIB) !== recipe) {
      await Deno.remove(LIB, { recursive: true }).catch(() => {});
      await Deno.rename(fresh, LIB);
    }
  } finally {
    await Deno.remove(fresh, { recursive: true }).catch(() => {});
  }
  return LIB;
}

async function build(target: string): Promise<void> {
  await run("mvn", [
    "--batch-mode",
    "--no-transfer-progress",
    "--quiet",
    "--strict-checksums",
    "--file",
    `${HERE}/pom.xml`,
    "dependency:copy-dependencies",
    "-DincludeScope=runtime",
    `-DoutputDirectory=${target}`,
  ]);
  const classes = await Deno.makeTempDir({ prefix: "sluice-classes-" });
  await run("javac", ["-proc:none", "-cp", `${target}/*`, "-d", classes, `${HERE}/TestNode.java`]);
  await run("jar", ["--create", "--file", `${target}/test-node.jar`, "-C", classes, "."]);
  await Deno.remove(classes, { recursive: true });
}

async function stampOf(directory: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(`${directory}/${STAMP}`);
  } catch {
    return undefined;
  }
}

/** How one node runs. */
interface NodeRun {
  readonly heapMiB: number;
  /** Directory for the JVM's temporary files. */
  readonly temporary: string;
  /** File for everything that the node says. */
  readonly log: string;
  readonly arguments: readonly string[];
}

/**
 * The command of one node. Its standard input must stay open: the node ends with it.
 * Call `keep` when the node has ended in order: the first one leaves the archive for those that follow.
 */
export function javaCommand(jars: string, run: NodeRun): { command: Deno.Command; keep(): Promise<void> } {
  const archived = exists(ARCHIVE);
  const archive = archived ? ARCHIVE : `${run.temporary}/node.jsa`;
  const java = [
    "java",
    `-Xms${run.heapMiB}m`,
    `-Xmx${run.heapMiB}m`,
    "-XX:+ExitOnOutOfMemoryError",
    // A node of a test lives for seconds or minutes: code that is compiled quickly halves the processor time of its start.
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    `-XX:${archived ? "SharedArchiveFile" : "ArchiveClassesAtExit"}=${archive}`,
    // An archive of another JVM is not used; the JVM would print that on each start.
    "-Xlog:disable",
    `-Djava.io.tmpdir=${run.temporary}`,
    "-Djava.awt.headless=true",
    "-Dfile.encoding=UTF-8",
    "-Dlog4j2.level=warn",
    "-Dlog4j2.disable.jmx=true",
    // The node has its own shutdown hook, which still wants to log.
    "-Dlog4j.shutdownHookEnabled=false",
    "-Dio.netty.noUnsafe=true",
    "-Dio.netty.noKeySetOptimization=true",
    "-Dio.netty.recycler.maxCapacityPerThread=0",
    "-cp",
    `${jars}/*`,
    "TestNode",
    ...run.arguments,
  ];
  const command = new Deno.Command("sh", {
    // The shell only points the output at a file, then becomes the node: the child's pid is the node's.
    args: ["-c", 'log=$1; shift; exec "$@" >"$log" 2>&1', "sh", run.log, ...java],
    stdin: "piped",
    stdout: "null",
    stderr: "null",
  });
  return { command, keep: () => archived ? Promise.resolve() : keepArchive(archive) };
}

/** Moves an archive to its place in one step, so that no other node reads half of it. */
async function keepArchive(archive: string): Promise<void> {
  if (!exists(archive) || exists(ARCHIVE)) return;
  const whole = await Deno.makeTempFile({ dir: WORKSHOP });
  await Deno.copyFile(archive, whole);
  await Deno.rename(whole, ARCHIVE);
  await Deno.remove(archive);
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

async function run(tool: string, args: string[]): Promise<void> {
  let output: Deno.CommandOutput;
  try {
    output = await new Deno.Command(tool, { args, stdin: "null" }).output();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Error(
      `Cannot set up OpenSearch for the tests: "${tool}" is not installed (Debian package ${
        PACKAGE_OF[tool]
      })`,
    );
  }
  if (output.success) return;
  const said = new TextDecoder().decode(output.stderr) + new TextDecoder().decode(output.stdout);
  throw new Error(
    `Cannot set up OpenSearch for the tests: "${tool}" ended with ${output.code}\n${said.slice(-2_000)}`,
  );
}
