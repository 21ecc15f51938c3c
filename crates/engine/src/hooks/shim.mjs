// Runs one hook of the module form: reads the context from standard input, calls the function of its phase, and writes
// what that returns to descriptor 3. Standard output is standard error here, for the module and for what it starts.
import { readFileSync, writeSync } from "node:fs";
import * as modules from "node:module";
import { pathToFileURL } from "node:url";

// Modules may import their types and `defineHook` from the package that introduced this form.
const AUTHORING = "@kcosr/agent-runner-core/hooks";
const STAND_IN = "data:text/javascript,export const defineHook = (hook) => hook;";

const file = pathToFileURL(process.argv[2]).href;
// What asks for a file in the module syntax whose name does not say so.
const AS_MODULE = file + "?as-module";

let answered = false;
function answer(value) {
  let bytes = Buffer.from(JSON.stringify(value));
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(writeSync(3, bytes));
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
    }
  }
  answered = true;
}

// The last line that is said is the one that people are shown.
function fail(words) {
  console.error(String(words).trim().replaceAll(/\s*\n\s*/g, "; "));
  process.exit(1);
}

process.on("exit", () => {
  if (!answered && (process.exitCode ?? 0) === 0) {
    console.error("the module ended the process before it answered");
    process.exitCode = 1;
  }
});
process.on("uncaughtException", (error) => {
  console.error(error?.stack ?? error);
  fail(error?.message ?? error);
});

if (typeof modules.registerHooks === "function") {
  modules.registerHooks({
    resolve: (name, context, next) =>
      name === AUTHORING ? { url: STAND_IN, shortCircuit: true } : next(name, context),
    load: (url, context, next) =>
      url === AS_MODULE
        ? { format: "module", source: readFileSync(new URL(file), "utf8"), shortCircuit: true }
        : next(url, context),
  });
} else {
  const loader = `
    import { readFileSync } from "node:fs";
    export async function resolve(name, context, next) {
      if (name === ${JSON.stringify(AUTHORING)}) return { url: ${JSON.stringify(STAND_IN)}, shortCircuit: true };
      return next(name, context);
    }
    export async function load(url, context, next) {
      if (url !== ${JSON.stringify(AS_MODULE)}) return next(url, context);
      const source = readFileSync(new URL(${JSON.stringify(file)}), "utf8");
      return { format: "module", source, shortCircuit: true };
    }`;
  modules.register("data:text/javascript," + encodeURIComponent(loader));
}

// A file called .js is what its package says; if that is not its syntax, it is tried as the other one.
async function load() {
  try {
    return await import(file);
  } catch (error) {
    if (!(error instanceof SyntaxError) || !file.endsWith(".js")) throw error;
    return await import(AS_MODULE);
  }
}

async function run() {
  const context = JSON.parse(readFileSync(0, "utf8"));
  const loaded = await load();
  const hook = loaded.default?.default ?? loaded.default;
  if (hook === null || typeof hook !== "object" || typeof hook.name !== "string") {
    fail("a hook module must export an object with a `name` as its default; a script that reads the context itself begins with #!");
  }
  const phase = hook[context.phase];
  if (phase === undefined) {
    answer({ action: "skip" });
  } else if (typeof phase !== "function") {
    fail(`\`${context.phase}\` of hook ${hook.name} is not a function`);
  } else {
    answer((await phase.call(hook, context)) ?? { action: "skip" });
  }
  process.exit(0);
}

run().catch((error) => {
  console.error(error?.stack ?? error);
  fail(error?.message ?? error);
});
