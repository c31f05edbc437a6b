// Asks the registry whether a known hole of weight is in what Loci installs to run: node scripts/check-dependencies.mjs.
// An advisory that is high or critical makes the exit code 1; lesser ones are told. Where there is no net, or a registry that
// does not answer such questions (many mirrors do not), it says "not asked" and is content: the code is no worse for that.
// What is asked about is package-lock.json; nothing need be installed.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const timeoutMs = 120_000;
const failing = new Set(["high", "critical"]);

/** Runs npm's own audit. Null: npm said nothing that can be read. */
function audit() {
  const limits = ["--fetch-retries=0", "--fetch-timeout=30000"];
  const { stdout } = spawnSync("npm", ["audit", "--json", "--omit=dev", "--package-lock-only", ...limits], {
    ...{ cwd: root, encoding: "utf8", timeout: timeoutMs, maxBuffer: 64 * 2 ** 20 },
    stdio: ["ignore", "pipe", "ignore"],
  });
  try {
    return JSON.parse(stdout);
  } catch {
    return null;
  }
}

/** A line for each package that is concerned, the worst first. */
function describe({ name, severity, range, via }) {
  const because = via.map((one) => (typeof one === "string" ? `by ${one}` : `${one.title} (${one.url})`));
  return `${severity}: ${name} ${range}: ${because.join("; ")}`;
}

const report = audit();
if (report?.auditReportVersion === undefined || report.vulnerabilities === undefined) {
  // npm tells an error of the net by `error`, and one that the registry answered by `message`.
  const why = report?.message ?? report?.error?.summary ?? "npm gave no answer that can be read";
  console.log(`Advisories: not asked. ${why || "The registry cannot be reached."}`);
} else {
  const found = Object.values(report.vulnerabilities);
  const grave = found.filter(({ severity }) => failing.has(severity));
  for (const one of [...grave, ...found.filter((each) => !grave.includes(each))]) console.log(describe(one));
  console.log(`Advisories: asked. ${grave.length} high or critical, ${found.length - grave.length} lesser.`);
  if (grave.length > 0) process.exitCode = 1;
}
