import { describe, expect, it } from "vitest";
import { InvalidConfiguration, readConfig, readFlags } from "../src/config.ts";

/** The message of the refusal. */
function refusal(environment: NodeJS.ProcessEnv): string {
  try {
    readConfig(environment);
  } catch (error) {
    if (error instanceof InvalidConfiguration) return error.message;
    throw error;
  }
  throw new Error("It was taken.");
}

/** The variables that a refusal names, a line each. */
function faults(environment: NodeJS.ProcessEnv): string[] {
  return refusal(environment)
    .split("\n")
    .slice(1)
    .map((line) => /^ {2}(\w+): Must .*\.$/.exec(line)?.[1] ?? line);
}

const key = "m0-of-the-test";

describe("the configuration", () => {
  it("needs nothing: loopback, embedded Postgres, emulator, a token of Loci's own", () => {
    const { dataDir, ...rest } = readConfig({});
    expect(rest).toEqual({
      port: 4000,
      host: "127.0.0.1",
      databaseUrl: null,
      adminToken: null,
      emulatorPort: 4100,
      mem0: null,
      mem0TimeoutMs: 30_000,
      timings: {
        settleMs: 10_000,
        twinCheckMs: 300_000,
        memberRetryMs: 60_000,
        stepDeadlineMs: 900_000,
        operationDeadlineMs: 3_600_000,
      },
      inFlightMax: 100,
      requestsMax: 500,
      role: "all",
      engineRetentionMs: 86_400_000,
      auditRetentionMs: null,
      encryptionKeys: null,
      encryptionKeyFiles: null,
      keyProofMs: 900_000,
      canary: null,
      oidc: null,
      door: {
        corsOrigins: [],
        requestTimeoutMs: 75_000,
        ratePerMinute: 6_000,
        concurrencyMax: 200,
        proxies: 0,
        trustedDocumentsFile: null,
      },
      logLevel: "info",
    });
    expect(dataDir).toMatch(/\/loci$/);
  });

  it("is taken from every variable", () => {
    const config = readConfig({
      PORT: "0",
      HOST: "0.0.0.0",
      DATABASE_URL: "postgresql://loci:secret@db.test:5432/loci",
      LOCI_DATA_DIR: "/srv/loci",
      LOCI_ADMIN_TOKEN: "sixteen-letters!",
      LOCI_EMULATOR_PORT: "65535",
      MEM0_API_KEY: key,
      MEM0_BASE_URL: "https://mem0.test/",
      MEM0_TIMEOUT_MS: "100",
      LOCI_SETTLE_MS: "0",
      LOCI_TWIN_CHECK_MS: "2147483647",
      LOCI_MEMBER_RETRY_MS: "100",
      LOCI_STEP_DEADLINE_MS: "0",
      LOCI_OPERATION_DEADLINE_MS: "5",
      LOCI_IN_FLIGHT_MAX: "1",
      LOCI_REQUESTS_MAX: "2",
      LOCI_ROLE: "worker",
      LOCI_ENGINE_RETENTION_HOURS: "1",
      LOCI_AUDIT_RETENTION_DAYS: "400",
      LOCI_CORS_ORIGINS: "https://app.test, http://127.0.0.1:3000",
      LOCI_REQUEST_TIMEOUT_MS: "100",
      LOCI_RATE_PER_MINUTE: "1",
      LOCI_CONCURRENCY_MAX: "2",
      LOCI_PROXIES: "3",
      LOCI_TRUSTED_DOCUMENTS: "/srv/documents.json",
      LOG_LEVEL: "silent",
    });
    expect(config).toEqual({
      port: 0,
      host: "0.0.0.0",
      databaseUrl: "postgresql://loci:secret@db.test:5432/loci",
      dataDir: "/srv/loci",
      adminToken: "sixteen-letters!",
      emulatorPort: 65_535,
      mem0: { apiKey: key, baseUrl: "https://mem0.test" },
      mem0TimeoutMs: 100,
      timings: {
        settleMs: 0,
        twinCheckMs: 2_147_483_647,
        memberRetryMs: 100,
        stepDeadlineMs: 0,
        operationDeadlineMs: 5,
      },
      inFlightMax: 1,
      requestsMax: 2,
      role: "worker",
      engineRetentionMs: 3_600_000,
      auditRetentionMs: 34_560_000_000,
      encryptionKeys: null,
      encryptionKeyFiles: null,
      keyProofMs: 900_000,
      canary: null,
      oidc: null,
      door: {
        corsOrigins: ["https://app.test", "http://127.0.0.1:3000"],
        requestTimeoutMs: 100,
        ratePerMinute: 1,
        concurrencyMax: 2,
        proxies: 3,
        trustedDocumentsFile: "/srv/documents.json",
      },
      logLevel: "silent",
    });
  });

  it("counts empty variables as not set, and not the spaces around a value", () => {
    const names = [
      "PORT",
      "HOST",
      "DATABASE_URL",
      "LOCI_ADMIN_TOKEN",
      "MEM0_API_KEY",
      "MEM0_BASE_URL",
      "LOG_LEVEL",
    ];
    for (const nothing of ["", "  "]) {
      expect(readConfig(Object.fromEntries(names.map((name) => [name, nothing])))).toEqual(readConfig({}));
    }
    expect(readConfig({ PORT: " 80 ", LOG_LEVEL: "warn\n" })).toMatchObject({ port: 80, logLevel: "warn" });
  });

  it("with a key alone is of the real Mem0; an address alone is refused", () => {
    expect(readConfig({ MEM0_API_KEY: key }).mem0).toEqual({ apiKey: key, baseUrl: "https://api.mem0.ai" });
    expect(faults({ MEM0_BASE_URL: "https://mem0.test" })).toEqual(["MEM0_API_KEY"]);
    expect(faults({ MEM0_BASE_URL: "https://mem0.test", MEM0_API_KEY: "" })).toEqual(["MEM0_API_KEY"]);
  });

  it.each([
    ["https://mem0.test", "https://mem0.test"],
    ["https://Mem0.test:443//", "https://mem0.test"],
    ["http://127.0.0.1:4100/mem0/", "http://127.0.0.1:4100/mem0"],
  ])("writes one address of Mem0 one way: %s", (given, taken) => {
    expect(readConfig({ MEM0_API_KEY: key, MEM0_BASE_URL: given }).mem0?.baseUrl).toBe(taken);
  });

  it("takes key-encryption keys of 32 bytes in hex, base64 and base64url, several with commas between", () => {
    const bytes = Buffer.from(Array.from({ length: 32 }, (_, index) => 255 - index));
    const written = [bytes.toString("hex"), bytes.toString("base64"), bytes.toString("base64url")];
    const { encryptionKeys } = readConfig({ LOCI_ENCRYPTION_KEY: written.join(", ") });
    expect(encryptionKeys?.map((taken) => Buffer.from(taken).toString("hex"))).toEqual(
      written.map(() => bytes.toString("hex")),
    );
    expect(readConfig({ LOCI_KEY_PROOF_MINUTES: "1" }).keyProofMs).toBe(60_000);
  });

  it("has a canary where two tenants are named, unless it is to look never", () => {
    const LOCI_CANARY_TENANTS = "one, two";
    const tenantKeys = ["one", "two"];
    expect(readConfig({ LOCI_CANARY_TENANTS }).canary).toEqual({ tenantKeys, everyMs: 3_600_000 });
    expect(readConfig({ LOCI_CANARY_TENANTS, LOCI_CANARY_MINUTES: "0" }).canary).toBeNull();
  });

  it.each(["00", "0".repeat(63), `${"0".repeat(64)},`, `${"A".repeat(43)}!`, "two words"])(
    "refuses LOCI_ENCRYPTION_KEY=%s",
    (value) => {
      expect(faults({ LOCI_ENCRYPTION_KEY: value })).toEqual(["LOCI_ENCRYPTION_KEY"]);
    },
  );

  it("takes files of key-encryption keys, several with commas between, and reads none of them yet", () => {
    const { encryptionKeyFiles } = readConfig({
      LOCI_ENCRYPTION_KEY_FILE: "/run/secrets/new, /run/secrets/old",
    });
    expect(encryptionKeyFiles).toEqual(["/run/secrets/new", "/run/secrets/old"]);
    expect(faults({ LOCI_ENCRYPTION_KEY_FILE: "/run/secrets/new,," })).toEqual(["LOCI_ENCRYPTION_KEY_FILE"]);
  });

  it("shares work only over a database and a Mem0 that others can reach, too", () => {
    for (const role of ["api", "worker"]) {
      expect(faults({ LOCI_ROLE: role }).sort()).toEqual(["DATABASE_URL", "MEM0_API_KEY"]);
    }
    expect(refusal({ LOCI_ROLE: "boss" })).toMatch(/LOCI_ROLE: .*"worker"/);
  });

  it("lets a worker listen only where it is told to", () => {
    const shared = { DATABASE_URL: "postgres://db.test/loci", MEM0_API_KEY: key };
    expect(readConfig({ ...shared, LOCI_ROLE: "worker" }).port).toBeNull();
    expect(readConfig({ ...shared, LOCI_ROLE: "worker", PORT: "4001" }).port).toBe(4_001);
    expect(readConfig({ ...shared, LOCI_ROLE: "api" }).port).toBe(4_000);
  });

  it("tells of all faults at once, each by the name of its variable", () => {
    const broken = {
      PORT: "65536",
      DATABASE_URL: "mysql://db.test/loci",
      LOCI_ADMIN_TOKEN: "short",
      LOCI_EMULATOR_PORT: "many",
      MEM0_BASE_URL: "mem0.test",
      MEM0_TIMEOUT_MS: "99",
      LOCI_SETTLE_MS: "-1",
      LOCI_TWIN_CHECK_MS: "1.5",
      LOCI_MEMBER_RETRY_MS: "0",
      LOCI_IN_FLIGHT_MAX: "0",
      LOCI_REQUESTS_MAX: "0",
    };
    expect(faults({ ...broken, PATH: "/bin" }).sort()).toEqual(
      [...Object.keys(broken), "MEM0_API_KEY"].sort(),
    );
  });

  it.each([
    ["PORT", "-1"],
    ["PORT", "0x50"],
    ["PORT", "8e1"],
    ["PORT", "80.5"],
    ["PORT", "http"],
    ["DATABASE_URL", "loci"],
    ["DATABASE_URL", "http://db.test/loci"],
    ["LOCI_ADMIN_TOKEN", "fifteen-letters"],
    ["LOCI_ADMIN_TOKEN", "sixteen letters and spaces"],
    ["LOCI_ADMIN_TOKEN", "sechzehn-ümlautet"],
    ["MEM0_API_KEY", "two words"],
    ["MEM0_API_KEY", "schlüssel"],
    ["LOCI_IN_FLIGHT_MAX", "10001"],
    ["LOCI_REQUESTS_MAX", "100001"],
    ["LOCI_ENGINE_RETENTION_HOURS", "0"],
    ["LOCI_AUDIT_RETENTION_DAYS", "0"],
    ["LOCI_KEY_PROOF_MINUTES", "0"],
    ["LOCI_KEY_PROOF_MINUTES", "361"],
    ["LOCI_CANARY_TENANTS", "one"],
    ["LOCI_CANARY_TENANTS", "one, one"],
    ["LOCI_CANARY_TENANTS", "one, two, three"],
    ["LOCI_CANARY_MINUTES", "1441"],
    ["MEM0_TIMEOUT_MS", "2147483648"],
  ])("refuses %s=%s", (name, value) => {
    expect(faults({ [name]: value })).toEqual([name]);
  });

  it.each([
    "ftp://mem0.test",
    "https://ada@mem0.test",
    "https://:pw@mem0.test",
    "https://mem0.test/?a=b",
    "https://mem0.test/#x",
  ])("refuses MEM0_BASE_URL=%s", (value) => {
    expect(faults({ MEM0_API_KEY: key, MEM0_BASE_URL: value })).toEqual(["MEM0_BASE_URL"]);
  });

  it("says which levels of the log there are", () => {
    expect(refusal({ LOG_LEVEL: "loud" })).toMatch(/LOG_LEVEL: .*"info"/);
  });

  it("never repeats a value, which may be a secret", () => {
    const message = refusal({
      PORT: "s3cret",
      DATABASE_URL: "mysql://loci:s3cret@db.test/loci",
      LOCI_ADMIN_TOKEN: "s3cret",
      MEM0_API_KEY: "m0 s3cret",
      MEM0_BASE_URL: "https://ada:s3cret@mem0.test",
      LOCI_ENCRYPTION_KEY: "s3cret",
      LOG_LEVEL: "s3cret",
    });
    expect(message).not.toContain("s3cret");
  });
});

describe("the command line", () => {
  it("may say that the database was restored, to a process that runs sagas", () => {
    expect(readFlags([], { role: "api" })).toEqual({ isAfterRestore: false });
    expect(readFlags(["--after-restore"], { role: "all" })).toEqual({ isAfterRestore: true });
    expect(readFlags(["--after-restore"], { role: "worker" })).toEqual({ isAfterRestore: true });
    expect(() => readFlags(["--after-restore"], { role: "api" })).toThrow(InvalidConfiguration);
  });

  it.each([["--after-restor"], ["restore"], ["--after-restore=yes"]])("has nothing else: %s", (argument) => {
    expect(() => readFlags([argument], { role: "all" })).toThrow(/--after-restore/);
  });
});
