// Runs a TypeScript program of ours that is no part of dist/: node scripts/run-typescript.mjs <file.ts> [arguments …].
// It compiles the sources of today into a folder of its own, where they lie as in the repository, so that the program
// finds Loci's own main.js as `new URL("../src/main.js", import.meta.url)` (from a file one folder deep), and nobody's
// build comes in between. Types are not checked, and the generated database client must be there. The program runs in the
// repository's root; its exit code is the answer, and at the end the folder is gone.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const signals = ["SIGINT", "SIGTERM", "SIGHUP"];

/** Compiles src/ and the program's own folder, with all that they import. Answers the compiled program. */
function compile(entry, folder) {
  const config = {
    extends: join(root, "tsconfig.json"),
    compilerOptions: { noEmit: false, noCheck: true, rootDir: root, outDir: folder, sourceMap: true },
    include: [join(root, "src"), join(root, dirname(entry))],
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
  writeFileSync(join(folder, "package.json"), `{"type":"module"}`);
  // What is not TypeScript but is needed at run time; migrations lie beside main.js, as in dist/.
  for (const name of ["node_modules", "prisma"]) symlinkSync(join(root, name), join(folder, name));
  const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [compiler, "-p", join(folder, "tsconfig.json")],
    { encoding: "utf8" },
  );
  if (status !== 0) throw new Error(`${stdout ?? ""}${stderr ?? ""}\nCompiling failed.`);
  symlinkSync(join(root, "prisma", "migrations"), join(folder, "src", "migrations"));
  symlinkSync(join(root, "src", "graphiql", "browser"), join(folder, "src", "graphiql", "browser"));
  return join(folder, entry.replace(/\.ts$/, ".js"));
}

/** Runs it to its end, passing on what tells it to stop. Answers how it ended. */
function run(program, args) {
  return new Promise((done, failed) => {
    const child = spawn(process.execPath, ["--enable-source-maps", program, ...args], {
      cwd: root,
      stdio: "inherit",
    });
    const passOn = (signal) => child.kill(signal);
    for (const signal of signals) process.on(signal, passOn);
    child.once("error", failed);
    child.once("exit", (code, signal) => {
      for (const each of signals) process.off(each, passOn);
      done({ code, signal });
    });
  });
}

const [file, ...args] = process.argv.slice(2);
const entry = file === undefined ? undefined : relative(root, resolve(file));
if (entry === undefined || entry.startsWith("..") || !entry.endsWith(".ts")) {
  process.stderr.write(
    "Which program? node scripts/run-typescript.mjs <file of this repository.ts> [arguments]\n",
  );
  process.exit(2);
}
const folder = mkdtempSync(join(tmpdir(), "loci-typescript-"));
let ended;
try {
  ended = await run(compile(entry, folder), args);
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  ended = { code: 1, signal: null };
} finally {
  rmSync(folder, { recursive: true, force: true });
}
// A program that a signal ended shall look so to whoever started this one.
if (ended.signal !== null) process.kill(process.pid, ended.signal);
else process.exitCode = ended.code;
