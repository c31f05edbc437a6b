#!/usr/bin/env node
// Stands in for Prisma's native schema engine, which no package registry carries: the CLI would download
// it from binaries.prisma.sh at its first call. This one speaks the native binary's protocol (JSON-RPC,
// one message a line on stdin and stdout; log records as JSON lines on stderr) and hands each call to the
// same engine compiled to WebAssembly, which npm does carry. prisma.config.ts names this file to the CLI.
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { bindMigrationAwareSqlAdapterFactory } from "@prisma/driver-adapter-utils";
import { databaseFactory, openPool } from "./engine-database.mjs";

const enginePackage = "@prisma/schema-engine-wasm";

/** Calls that the WebAssembly engine answers under the same name as the native one. */
const forwarded = new Set([
  "applyMigrations",
  "createMigration",
  "devDiagnostic",
  "diagnoseMigrationHistory",
  "ensureConnectionValidity",
  "evaluateDataLoss",
  "introspect",
  "introspectSql",
  "markMigrationApplied",
  "markMigrationRolledBack",
  "reset",
  "schemaPush",
]);

const { values: options, positionals } = parseArgs({
  strict: false,
  allowPositionals: true,
  options: {
    datasource: { type: "string" },
    datamodels: { type: "string", multiple: true },
    "enabled-preview-features": { type: "string" },
    "extension-types": { type: "string" },
    version: { type: "boolean" },
  },
});

/** Where the engine leaves the words of a panic: it looks for this name in the global object. */
globalThis.PRISMA_WASM_PANIC_REGISTRY = {
  message: undefined,
  set_message(message) {
    this.message = message;
  },
};

/** Loads the engine by hand: Node 20 cannot import a .wasm file as a module. */
async function loadEngine() {
  const bindings = await import(`${enginePackage}/schema_engine_bg`);
  const path = fileURLToPath(
    new URL("./schema_engine_bg.wasm", import.meta.resolve(`${enginePackage}/schema_engine_bg`)),
  );
  const { instance } = await WebAssembly.instantiate(await readFile(path), {
    "./schema_engine_bg.js": bindings,
  });
  bindings.__wbg_set_wasm(instance.exports);
  instance.exports.__wbindgen_start();
  return bindings;
}

/** Binds the connections, so that an error thrown in them can be found again by the engine's number for it. */
const factory = bindMigrationAwareSqlAdapterFactory(databaseFactory(databaseUrl()));

async function startEngine() {
  const { SchemaEngine } = await loadEngine();
  const datamodels = await Promise.all(
    (options.datamodels ?? []).map(async (path) => [path, await readFile(path, "utf8")]),
  );
  return SchemaEngine.new({ datamodels: datamodels.length > 0 ? datamodels : undefined }, () => {}, factory);
}

function databaseUrl() {
  return options.datasource ? JSON.parse(options.datasource).url : undefined;
}

function logRecord(level, fields) {
  process.stderr.write(
    `${JSON.stringify({ timestamp: new Date().toISOString(), level, fields, target: "schema_engine::logger" })}\n`,
  );
}

/** The database that `url` names, and the same server's maintenance database. */
function splitUrl(url) {
  const maintenance = new URL(url);
  const name = decodeURIComponent(maintenance.pathname.slice(1));
  maintenance.pathname = "/postgres";
  return { name, maintenance: maintenance.href };
}

async function runOnce(url, sql) {
  const pool = openPool(url);
  try {
    await pool.query(sql);
  } finally {
    await pool.end();
  }
}

async function createDatabase(url) {
  const { name, maintenance } = splitUrl(url);
  await runOnce(maintenance, `CREATE DATABASE "${name.replaceAll('"', '""')}"`);
  return { databaseName: name };
}

async function dropDatabase(url) {
  const { name, maintenance } = splitUrl(url);
  await runOnce(maintenance, `DROP DATABASE "${name.replaceAll('"', '""')}" WITH (FORCE)`);
}

/** Prisma's codes for what the CLI tells apart when it looks for the database. */
function connectionErrorCode(error) {
  if (error.code === "3D000") return "P1003";
  if (error.code === "28P01" || error.code === "28000") return "P1000";
  return "P1001";
}

/** `cli can-connect-to-database` and its kin: one deed and an exit code. */
async function runCommand(command) {
  const url = databaseUrl();
  const deeds = {
    "can-connect-to-database": () => runOnce(url, "SELECT 1"),
    "create-database": () => createDatabase(url),
    "drop-database": () => dropDatabase(url),
  };
  const deed = deeds[command];
  if (!deed) throw new Error(`The schema engine's stand-in does not know the command ${command}.`);
  try {
    await deed();
    return 0;
  } catch (error) {
    // The CLI skips the first line of stderr and searches the rest for an ERROR record.
    logRecord("INFO", { message: `Running ${command}.` });
    logRecord("ERROR", {
      message: error.message || `The database server cannot be reached (${error.code}).`,
      error_code: connectionErrorCode(error),
      is_panic: false,
    });
    return 1;
  }
}

/** Numbers of our own requests to the CLI, which share the wire with its requests to us. */
let printsSent = 0;

function send(message) {
  process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
}

async function answer(started, method, params) {
  if (forwarded.has(method)) return (await (await started())[method](params)) ?? {};
  switch (method) {
    case "diff": {
      const result = await (await started()).diff(params);
      // The CLI shows what a `print` request carries and looks at nothing else of the result.
      if (result.stdout !== null && result.stdout !== undefined) {
        printsSent += 1;
        send({ id: `print-${printsSent}`, method: "print", params: { content: result.stdout } });
      }
      return { ...result, stdout: null };
    }
    case "getDatabaseVersion":
      return (await started()).engine.version(params);
    case "createDatabase":
      return createDatabase(databaseUrl());
    case "dbExecute":
      await runOnce(databaseUrl(), params.script);
      return {};
    default:
      throw new Error(`The schema engine's stand-in does not know the call ${method}.`);
  }
}

/** What the CLI prints of a failure: the engine's own words, or the JavaScript error behind them. */
function failure(error) {
  let known = error;
  try {
    known = JSON.parse(error.message);
  } catch {
    // A plain JavaScript error carries its message as it is.
  }
  const registered = /^External error id#(\d+)/.exec(known.message ?? "");
  const cause = registered && factory.errorRegistry.consumeError(Number(registered[1]))?.error;
  return {
    is_panic: known.is_panic ?? error instanceof WebAssembly.RuntimeError,
    message: cause?.message ?? known.message ?? String(error),
    meta: known.meta ?? null,
    error_code: known.error_code ?? error.error_code ?? null,
  };
}

/** The call under way, one at a time: a panic must be answered in its name. */
let callUnderWay;

/**
 * A panic of the engine surfaces outside the call that caused it, which then never settles. It is told as
 * an ordinary error: for a panic the CLI would offer to send a report to Prisma.
 */
function answerPanic(error) {
  const message = globalThis.PRISMA_WASM_PANIC_REGISTRY.message ?? error.stack ?? String(error);
  logRecord("ERROR", { message, is_panic: false });
  if (callUnderWay !== undefined) {
    const data = { is_panic: false, message, meta: null, error_code: null };
    send({ id: callUnderWay, error: { code: 4466, message: "An error happened.", data } });
  }
  process.exit(1);
}

async function serve() {
  process.on("uncaughtException", answerPanic);
  let engineStart;
  const started = () => {
    engineStart ??= startEngine();
    return engineStart;
  };
  for await (const line of createInterface({ input: process.stdin })) {
    if (line.trim() === "") continue;
    const { id, method, params } = JSON.parse(line);
    // Without a method it is the CLI's receipt for a `print`.
    if (method === undefined) continue;
    callUnderWay = id;
    try {
      send({ id, result: await answer(started, method, params) });
    } catch (error) {
      send({ id, error: { code: 4466, message: "An error happened.", data: failure(error) } });
    }
    callUnderWay = undefined;
  }
}

if (options.version) {
  const { version } = await loadEngine();
  process.stdout.write(`schema-engine-cli ${version()} (WebAssembly stand-in)\n`);
} else if (positionals[0] === "cli") {
  process.exitCode = await runCommand(positionals[1]);
} else {
  await serve();
  // Connections that the engine still holds would keep this process alive after the CLI has gone.
  process.exit(0);
}
