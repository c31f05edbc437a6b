// Makes dist/ from src/ and prisma/: generates the database client and Pothos's types, then compiles. With
// --if-stale it does nothing when dist/ was made from exactly these sources, which takes a few milliseconds.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const stampPath = join(root, "dist", ".made-from");

/** Every file that decides what dist/ looks like. */
function sourceFiles() {
  const inFolder = (folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((path) => !path.includes(join("src", "generated")));
  const single = ["package-lock.json", "tsconfig.json", "tsconfig.build.json", "prisma.config.ts"];
  return [...inFolder("src"), ...inFolder("prisma"), ...single.map((name) => join(root, name))].sort();
}

function fingerprint() {
  const hash = createHash("sha256");
  for (const path of sourceFiles()) hash.update(relative(root, path)).update("\0").update(readFileSync(path));
  return hash.digest("hex");
}

/** Runs a program of ours under this very Node; shows what it printed only when it failed. */
function run(what, script, args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, script), ...args], {
    cwd: root,
    encoding: "utf8",
    // Prisma finds its generators on the PATH, which npm sets for its scripts and nobody else does.
    env: { ...process.env, PATH: `${join(root, "node_modules", ".bin")}${delimiter}${process.env.PATH}` },
  });
  if (status === 0) return;
  process.stderr.write(`${stdout ?? ""}${stderr ?? ""}\n${what} failed.\n`);
  process.exit(1);
}

const current = fingerprint();
const isFresh =
  existsSync(stampPath) &&
  existsSync(join(root, "src", "generated", "pothos.ts")) &&
  readFileSync(stampPath, "utf8") === current;
if (process.argv.includes("--if-stale") && isFresh) process.exit(0);

process.stdout.write("Building Loci from its sources …\n");
rmSync(join(root, "dist"), { recursive: true, force: true });
run("Generating the database client", "node_modules/prisma/build/index.js", ["generate"]);
run("Compiling", "node_modules/typescript/bin/tsc", ["-p", "tsconfig.build.json"]);
// What is not TypeScript but is needed at run time.
mkdirSync(join(root, "dist"), { recursive: true });
cpSync(join(root, "prisma", "migrations"), join(root, "dist", "migrations"), { recursive: true });
writeFileSync(stampPath, current);
