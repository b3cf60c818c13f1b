/**
 * The rules of the house that need a syntax tree; `deno lint` runs them. Rules about files are in `tidy.ts`.
 * Runs in the process of `deno lint`; holds no state.
 *
 * @module
 */

import { slowPart } from "./slow_patterns.ts";

/** Functions longer than this are two functions. */
const FUNCTION_LINES_MAX = 70;

/** Words that say nothing about a thing, and what to say in their place. */
export const BANNED_WORDS: Readonly<Record<string, string>> = {
  manager: "what it owns, e.g. store or supervisor",
  handler: "what it does, e.g. receive or answer",
  util: "the concept",
  utils: "the concept",
  helper: "the concept",
  helpers: "the concept",
  common: "what is shared",
  base: "the general concept",
};

/** What a pure engine gets from its caller, and never takes by itself. */
const IMPURE_MEMBERS = new Set([
  "Date.now",
  "Math.random",
  "performance.now",
  "crypto.getRandomValues",
  "crypto.randomUUID",
  "Deno.env",
  "Deno.serve",
]);
const IMPURE_CALLS = new Set(["setTimeout", "setInterval"]);

/** The banned word in a name of any case style, if it holds one: `lane_helper`, `LaneHelper`, `LANE_HELPER`. */
export function bannedWord(name: string): string | undefined {
  const words = name.replace(/([a-z0-9])([A-Z])/g, "$1_$2").toLowerCase().split(/[^a-z]+/);
  return words.find((word) => Object.hasOwn(BANNED_WORDS, word));
}

/** Tests, and the workers that belong to one. */
function isTest(path: string): boolean {
  return /_test(_\w+)?\.ts$/.test(path);
}

const words: Deno.lint.Rule = {
  create(context) {
    function check(node: Deno.lint.Node | null | undefined): void {
      if (node?.type !== "Identifier" && node?.type !== "PrivateIdentifier") return;
      const word = bannedWord(node.name);
      if (word === undefined) return;
      context.report({ node, message: `"${node.name}" says "${word}": name ${BANNED_WORDS[word]}` });
    }
    function checkFunction(
      node: Deno.lint.Node & { params: unknown[]; id?: Deno.lint.Identifier | null },
    ): void {
      check(node.id);
      for (const parameter of node.params) check(parameter as Deno.lint.Node);
    }
    return {
      VariableDeclarator: (node) => check(node.id),
      FunctionDeclaration: checkFunction,
      FunctionExpression: checkFunction,
      ArrowFunctionExpression: checkFunction,
      ClassDeclaration: (node) => check(node.id),
      MethodDefinition: (node) => check(node.key),
      PropertyDefinition: (node) => check(node.key),
      TSPropertySignature: (node) => check(node.key),
      TSMethodSignature: (node) => check(node.key),
      TSInterfaceDeclaration: (node) => check(node.id),
      TSTypeAliasDeclaration: (node) => check(node.id),
      TSEnumDeclaration: (node) => check(node.id),
    };
  },
};

const functionLength: Deno.lint.Rule = {
  create(context) {
    const source = context.sourceCode.text;
    function check(node: Deno.lint.Node): void {
      const lines = source.slice(...node.range).split("\n").length;
      if (lines <= FUNCTION_LINES_MAX) return;
      context.report({
        node,
        message: `this function has ${lines} lines; ${FUNCTION_LINES_MAX} are the most`,
      });
    }
    return { FunctionDeclaration: check, FunctionExpression: check, ArrowFunctionExpression: check };
  },
};

const noDefaultExport: Deno.lint.Rule = {
  create(context) {
    return {
      ExportDefaultDeclaration(node) {
        context.report({ node, message: "a default export has no name of its own: export it by name" });
      },
    };
  },
};

const noTopLevelArrow: Deno.lint.Rule = {
  create(context) {
    if (isTest(context.filename)) return {};
    function check(node: Deno.lint.ArrowFunctionExpression): void {
      const { parent } = node;
      // A type of the whole function, e.g. a framework's, has no place in a declaration.
      if (
        parent.type === "VariableDeclarator" && parent.id.type === "Identifier" && parent.id.typeAnnotation
      ) return;
      context.report({
        node,
        message: "a function of the module is declared by `function`, so that traces name it",
      });
    }
    const arrow = "VariableDeclaration > VariableDeclarator > ArrowFunctionExpression";
    return {
      [`Program > ${arrow}`]: check,
      [`Program > ExportNamedDeclaration > ${arrow}`]: check,
    };
  },
};

const pureLib: Deno.lint.Rule = {
  create(context) {
    if (!context.filename.includes("/lib/") || isTest(context.filename)) return {};
    function check(node: Deno.lint.Node, name: string): void {
      const message =
        `lib has no ${name}: take the clock, the randomness, the settings or the thread from the caller`;
      context.report({ node, message });
    }
    return {
      MemberExpression(node) {
        const name = context.sourceCode.getText(node);
        if (IMPURE_MEMBERS.has(name)) check(node, name);
      },
      CallExpression(node) {
        if (node.callee.type === "Identifier" && IMPURE_CALLS.has(node.callee.name)) {
          check(node, node.callee.name);
        }
      },
      NewExpression(node) {
        if (node.callee.type !== "Identifier") return;
        if (node.callee.name === "Worker") check(node, "new Worker");
        if (node.callee.name === "Date" && node.arguments.length === 0) check(node, "new Date()");
      },
    };
  },
};

const linearPatterns: Deno.lint.Rule = {
  create(context) {
    // What meets the texts of clients; tests and commands meet their own.
    if (isTest(context.filename) || !/\/(?:lib|services)\//.test(context.filename)) return {};
    return {
      Literal(node) {
        const { regex } = node as { regex?: { pattern: string; flags: string } };
        const part = regex ? slowPart(regex.pattern, regex.flags) : null;
        if (part === null) return;
        context.report({ node, message: `on some texts this takes the square of their length: ${part}` });
      },
    };
  },
};

const plugin: Deno.lint.Plugin = {
  name: "sluice",
  rules: {
    words,
    "function-length": functionLength,
    "no-default-export": noDefaultExport,
    "no-top-level-arrow": noTopLevelArrow,
    "pure-lib": pureLib,
    "linear-patterns": linearPatterns,
  },
};

// deno-lint-ignore sluice/no-default-export -- `deno lint` takes plugins in this form only
export default plugin;
