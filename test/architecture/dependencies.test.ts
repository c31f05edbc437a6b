import { execFile } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it, onTestFinished } from "vitest";
import { makeTemporaryFolder } from "../database/temporary-folder.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const runFile = promisify(execFile);
const processTimeoutMs = 150_000;

interface Package {
  readonly name?: string;
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly hasInstallScript?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

interface Manifest extends Package {
  readonly overrides: Readonly<Record<string, string>>;
  readonly allowScripts: Readonly<Record<string, boolean>>;
}

function read<T>(file: string): T {
  return JSON.parse(readFileSync(path.join(root, file), "utf8")) as T;
}

const manifest = read<Manifest>("package.json");
const { packages } = read<{ packages: Readonly<Record<string, Package>> }>("package-lock.json");
const installed = Object.entries(packages).filter(([place]) => place !== "");

/** The name by which a place in `node_modules` is imported. */
const nameAt = (place: string) => place.split("node_modules/").at(-1) ?? place;

/**
 * Packages of which the lock holds no hash, for it was written where npm could not fetch what is for other platforms. npm checks
 * nothing of them there; each is optional, and for development alone.
 */
const withoutHash: Readonly<Record<string, number>> = {
  "@biomejs": 8,
  "@oxc-parser": 15,
  "@oxlint-tsgolint": 4,
  "@oxlint": 17,
};

describe("what is installed", () => {
  it("is asked for by exact versions", () => {
    const { dependencies, optionalDependencies, devDependencies, overrides } = manifest;
    const asked = { ...dependencies, ...optionalDependencies, ...devDependencies, ...overrides };
    const exact = /^(npm:(@[\w.-]+\/)?[\w.-]+@)?\d+\.\d+\.\d+(-[\w.-]+)?$/;
    expect(Object.keys(asked).length).toBeGreaterThan(40);
    expect(Object.entries(asked).filter(([, version]) => !exact.test(version))).toEqual([]);
  });

  it("comes from npm's registry, and is what its hash says, but for other platforms' tools", () => {
    const without = installed.filter(([, { integrity = "" }]) => !/^sha512-\S{88}$/.test(integrity));
    const counts: Record<string, number> = {};
    for (const [place] of without) {
      const [scope = ""] = nameAt(place).split("/");
      counts[scope] = (counts[scope] ?? 0) + 1;
    }
    expect(counts).toEqual(withoutHash);
    expect(without.filter(([, { dev, optional }]) => dev !== true || optional !== true)).toEqual([]);
    const elsewhere = installed.filter(
      ([, { resolved }]) => resolved !== undefined && !resolved.startsWith("https://registry.npmjs.org/"),
    );
    expect(elsewhere).toEqual([]);
  });

  it("runs no script of its own when it is installed: each package that has one is listed, and refused", () => {
    const withScript = installed.filter(([, { hasInstallScript }]) => hasInstallScript === true);
    const names = withScript.map(([place]) => nameAt(place));
    expect(names.toSorted()).toEqual(Object.keys(manifest.allowScripts).toSorted());
    expect(Object.entries(manifest.allowScripts).filter(([, isAllowed]) => isAllowed)).toEqual([]);
  });
});

/** The lock's entry that Node would find from a place, by its rule: the nearest `node_modules` going up. */
function resolve(from: string, name: string): string | null {
  for (let place = from; ; place = place.slice(0, Math.max(0, place.lastIndexOf("/node_modules/")))) {
    const candidate = `${place === "" ? "" : `${place}/`}node_modules/${name}`;
    if (candidate in packages) return candidate;
    if (place === "") return null;
    if (!place.includes("/node_modules/")) place = "";
  }
}

/** Everything that is needed to run, by name and version. */
function neededToRun(): Set<string> {
  const reached = new Set([""]);
  for (const place of reached) {
    const { dependencies, optionalDependencies } = packages[place] ?? {};
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      const found = resolve(place, name);
      if (found !== null) reached.add(found);
    }
  }
  reached.delete("");
  return new Set([...reached].map((place) => `${nameAt(place)}@${packages[place]?.version}`));
}

describe("the bill of materials", () => {
  it("is CycloneDX, and lists everything that is needed to run, with its hash", async () => {
    const { stdout } = await runFile("npm", ["run", "--silent", "sbom"], {
      ...{ cwd: root, timeout: processTimeoutMs, maxBuffer: 64 * 2 ** 20 },
    });
    const bill = JSON.parse(stdout) as {
      bomFormat: string;
      components: { name: string; version: string; hashes?: { alg: string; content: string }[] }[];
    };
    expect(bill.bomFormat).toBe("CycloneDX");
    const listed = new Map(bill.components.map((one) => [`${one.name}@${one.version}`, one]));
    const needed = neededToRun();
    expect(needed.size).toBeGreaterThan(50);
    expect([...needed].filter((name) => !listed.has(name))).toEqual([]);
    const withoutHashes = [...needed].filter((name) => (listed.get(name)?.hashes ?? []).length === 0);
    expect(withoutHashes).toEqual([]);
  }, 180_000);
});

/** A registry of our own, that npm asks instead of its own. Answers where. */
async function startRegistry(answer: (path: string, response: ServerResponse) => void): Promise<string> {
  const server = createServer((request, response) => {
    request.resume();
    request.once("end", () => answer(request.url ?? "", response));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

/** Runs the check against a registry; nothing is taken from what npm keeps of the real one. */
async function check(registry: string): Promise<{ code: number; said: string }> {
  const cache = await makeTemporaryFolder("loci-npm-cache-");
  onTestFinished(cache.remove);
  const env = { ...process.env, npm_config_registry: registry, npm_config_cache: cache.path };
  const checking = runFile(process.execPath, ["scripts/check-dependencies.mjs"], {
    ...{ cwd: root, env, timeout: processTimeoutMs },
  });
  const { stdout } = await checking.catch((error: { stdout: string }) => error);
  return { code: checking.child.exitCode ?? -1, said: stdout };
}

function json(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

/** Answers as npm's registry does when there is one advisory, of a package that we need. */
function advising(severity: string) {
  return startRegistry((asked, response) => {
    if (asked === "/-/npm/v1/security/advisories/bulk") {
      const advisory = { id: 1, url: "https://advisories.test/1", title: "A hole", severity };
      return json(response, 200, { pg: [{ ...advisory, vulnerable_versions: ">=0.0.0", cwe: [] }] });
    }
    if (asked !== "/pg") return json(response, 404, {});
    const { version = "" } = packages["node_modules/pg"] ?? {};
    return json(response, 200, {
      ...{ name: "pg", "dist-tags": { latest: version } },
      versions: { [version]: { name: "pg", version, dist: { tarball: "https://advisories.test/pg.tgz" } } },
    });
  });
}

describe("the check of advisories", { timeout: 180_000 }, () => {
  it("fails for a grave one in what is needed to run, and names it", async () => {
    const { code, said } = await check(await advising("high"));
    expect(said).toContain("high: pg *: A hole (https://advisories.test/1)");
    expect(code).toBe(1);
  });

  it("tells of a lesser one, and is content", async () => {
    const { code, said } = await check(await advising("moderate"));
    expect(said).toContain("moderate: pg");
    expect([said.includes("Advisories: asked. 0 high or critical"), code]).toEqual([true, 0]);
  });

  it("is content, and says that it did not ask, where the registry has no such endpoint or cannot be reached", async () => {
    const without = await startRegistry((_asked, response) => json(response, 405, {}));
    for (const registry of [without, "http://127.0.0.1:1/"]) {
      const { code, said } = await check(registry);
      expect([registry, said.split("\n").length, said.startsWith("Advisories: not asked. "), code]).toEqual([
        ...[registry, 2, true, 0],
      ]);
    }
  });
});
