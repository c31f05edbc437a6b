import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { type Comment, type Declaration, type Program, parseSync, Visitor } from "oxc-parser";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** A source file, parsed, with what the rules of the house look at. */
export interface SourceFile {
  /** From the root of the repository, with slashes: `src/mem0/ping.ts`. */
  readonly path: string;
  readonly lines: number;
  /** What it imports or re-exports, as written; types, `import()` and `import("…").Type` too. */
  readonly specifiers: readonly string[];
  /** Whether it passes on exports of another file. */
  readonly hasReExports: boolean;
  readonly hasDefaultExport: boolean;
  /** Whether it names `process.env`, or takes `env` from `node:process`. */
  readonly readsEnvironment: boolean;
  readonly usesConsole: boolean;
  /** Exported functions, classes, interfaces, types and constants without a docstring directly above. */
  readonly undocumented: readonly string[];
}

/** Every file of ours below a folder of the repository with one of these endings; what is generated is left out. */
export function readSources(folder: string, endings: readonly string[] = [".ts"]): SourceFile[] {
  return readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && endings.includes(path.extname(entry.name)))
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)).split(path.sep).join("/"))
    .filter((file) => !file.startsWith("src/generated/"))
    .toSorted()
    .map((file) => parseSource(file, readFileSync(path.join(root, file), "utf8")));
}

/**
 * Parses one source.
 * @throws {Error} when it is not valid TypeScript
 */
export function parseSource(file: string, text: string): SourceFile {
  const { program, module, comments, errors } = parseSync(file, text);
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]?.message}`);
  const reExports = module.staticExports.flatMap(({ entries }) =>
    entries.flatMap(({ moduleRequest }) => (moduleRequest === null ? [] : [moduleRequest.value])),
  );
  const exportNames = module.staticExports.flatMap(({ entries }) =>
    entries.map(({ exportName }) => (exportName.kind === "Default" ? "default" : exportName.name)),
  );
  const seen = visit(program);
  return {
    path: file,
    lines: text.split("\n").length - (text.endsWith("\n") ? 1 : 0),
    specifiers: [
      ...module.staticImports.map(({ moduleRequest }) => moduleRequest.value),
      ...reExports,
      ...seen.laterImports,
    ],
    hasReExports: reExports.length > 0,
    hasDefaultExport: exportNames.includes("default"),
    readsEnvironment: seen.readsEnvironment || takesEnvironment(module.staticImports),
    usesConsole: seen.usesConsole,
    undocumented: undocumentedExports(program, comments, text),
  };
}

function takesEnvironment(imports: ReturnType<typeof parseSync>["module"]["staticImports"]): boolean {
  return imports.some(
    ({ moduleRequest, entries }) =>
      ["node:process", "process"].includes(moduleRequest.value) &&
      entries.some(({ importName }) => importName.name === "env"),
  );
}

function visit(program: Program) {
  const seen = { laterImports: [] as string[], readsEnvironment: false, usesConsole: false };
  new Visitor({
    ImportExpression: ({ source }) => {
      // A computed specifier is listed as such, so that no rule takes it for an import that is allowed.
      seen.laterImports.push(
        source.type === "Literal" && typeof source.value === "string" ? source.value : "(computed)",
      );
    },
    TSImportType: ({ source }) => {
      seen.laterImports.push(source.value);
    },
    MemberExpression: ({ object, property }) => {
      if (object.type !== "Identifier" || object.name !== "process") return;
      const isNamed = property.type === "Identifier" && property.name === "env";
      const isQuoted = property.type === "Literal" && property.value === "env";
      if (isNamed || isQuoted) seen.readsEnvironment = true;
    },
    VariableDeclarator: ({ id, init }) => {
      if (init?.type !== "Identifier" || init.name !== "process" || id.type !== "ObjectPattern") return;
      const names = id.properties.map((property) => (property.type === "Property" ? property.key : property));
      if (names.some((key) => key.type === "Identifier" && key.name === "env")) seen.readsEnvironment = true;
    },
    Identifier: ({ name }) => {
      if (name === "console") seen.usesConsole = true;
    },
  }).visit(program);
  return seen;
}

/**
 * The names of exported declarations that have no docstring. A docstring stands directly above its declaration; one
 * over a block of one-line constants, which no empty line parts, speaks for them all.
 */
function undocumentedExports(program: Program, comments: readonly Comment[], text: string): string[] {
  const docs = new Set(
    comments
      .filter(({ type, value }) => type === "Block" && value.startsWith("*"))
      .map(({ end }) => end + (/^\s*/.exec(text.slice(end))?.[0].length ?? 0)),
  );
  const missing: string[] = [];
  let coveredUntil = -1;
  for (const statement of program.body) {
    const isOwn = docs.has(statement.start);
    const isCovered =
      coveredUntil !== -1 && /^[ \t]*\n[ \t]*$/.test(text.slice(coveredUntil, statement.start));
    const isConstant =
      statement.type === "ExportNamedDeclaration" && statement.declaration?.type === "VariableDeclaration";
    coveredUntil = isConstant && (isOwn || isCovered) ? statement.end : -1;
    if (statement.type !== "ExportNamedDeclaration" || statement.declaration === null) continue;
    if (!isOwn && !(isConstant && isCovered)) missing.push(...namesOf(statement.declaration));
  }
  return missing;
}

function namesOf(declaration: Declaration): string[] {
  if (declaration.type === "VariableDeclaration") {
    return declaration.declarations.map(({ id }) => (id.type === "Identifier" ? id.name : "(pattern)"));
  }
  if ("id" in declaration && declaration.id?.type === "Identifier") return [declaration.id.name];
  return [`(${declaration.type})`];
}
