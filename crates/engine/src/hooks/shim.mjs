// Runs one hook of the module form: reads the context from standard input, calls the function of its phase, and prints
// what that returns. Everything else the module prints goes to standard error.
import { readFileSync, writeSync } from "node:fs";
import * as modules from "node:module";
import { pathToFileURL } from "node:url";

// Modules may import their types and `defineHook` from the package that introduced this form.
const AUTHORING = "@kcosr/agent-runner-core/hooks";
const STAND_IN = "data:text/javascript,export const defineHook = (hook) => hook;";

function print(text) {
  let bytes = Buffer.from(text);
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(writeSync(1, bytes));
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
    }
  }
}

function fail(words) {
  console.error(words);
  process.exit(1);
}

process.stdout.write = process.stderr.write.bind(process.stderr);
for (const method of ["log", "info", "debug", "dir", "table"]) {
  console[method] = console.error.bind(console);
}

const file = pathToFileURL(process.argv[2]).href;
const isPlain = file.endsWith(".js");
const looksLikeModule = (source) => /^\s*(export|import)\b/m.test(source);

if (typeof modules.registerHooks === "function") {
  modules.registerHooks({
    resolve: (name, context, next) =>
      name === AUTHORING ? { url: STAND_IN, shortCircuit: true } : next(name, context),
    load: (url, context, next) => {
      if (isPlain && url === file) {
        const source = readFileSync(new URL(url), "utf8");
        if (looksLikeModule(source)) return { format: "module", source, shortCircuit: true };
      }
      return next(url, context);
    },
  });
} else {
  const loader = `
    import { readFileSync } from "node:fs";
    export async function resolve(name, context, next) {
      if (name === ${JSON.stringify(AUTHORING)}) return { url: ${JSON.stringify(STAND_IN)}, shortCircuit: true };
      return next(name, context);
    }
    export async function load(url, context, next) {
      if (${isPlain} && url === ${JSON.stringify(file)}) {
        const source = readFileSync(new URL(url), "utf8");
        if ((${looksLikeModule})(source)) return { format: "module", source, shortCircuit: true };
      }
      return next(url, context);
    }`;
  modules.register("data:text/javascript," + encodeURIComponent(loader));
}

const context = JSON.parse(readFileSync(0, "utf8"));
const loaded = await import(file);
const hook = loaded.default?.default ?? loaded.default;
if (hook === null || typeof hook !== "object" || typeof hook.name !== "string") {
  fail("a hook module must export an object with a `name` as its default; a script that reads the context itself begins with #!");
}
const phase = hook[context.phase];
if (phase === undefined) {
  print(JSON.stringify({ action: "skip" }));
} else if (typeof phase !== "function") {
  fail(`\`${context.phase}\` of hook ${hook.name} is not a function`);
} else {
  const result = await phase.call(hook, context);
  print(JSON.stringify(result ?? { action: "skip" }));
}
process.exit(0);
