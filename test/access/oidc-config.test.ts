import { describe, expect, it } from "vitest";
import { parseRoleMapping } from "../../src/access/claims.ts";
import { InvalidConfiguration, readConfig } from "../../src/config.ts";

const needed = {
  LOCI_OIDC_ISSUER: "https://login.acme.test/realms/staff/",
  LOCI_OIDC_AUDIENCE: "loci",
  LOCI_OIDC_ROLES: "loci-admins=admin,support=auditor",
};

/** The lines of the refusal; none: it was taken. */
function faults(environment: NodeJS.ProcessEnv): string[] {
  try {
    readConfig(environment);
    return [];
  } catch (error) {
    if (error instanceof InvalidConfiguration) return error.message.split("\n").slice(1);
    throw error;
  }
}

describe("people's tokens, in the configuration,", () => {
  it("are taken from nobody unless it is set", () => {
    expect(readConfig({}).oidc).toBeNull();
  });

  it("are of the issuer as it is written, slash and all", () => {
    expect(readConfig(needed).oidc).toEqual({
      ...{ issuer: "https://login.acme.test/realms/staff/", audience: "loci", jwksUrl: null },
      rolesClaim: "roles",
      roles: new Map([
        ["loci-admins", ["admin"]],
        ["support", ["auditor"]],
      ]),
    });
    const more = { LOCI_OIDC_JWKS_URL: "http://[::1]:80/keys", LOCI_OIDC_ROLES_CLAIM: "realm_access.roles" };
    expect(readConfig({ ...needed, ...more }).oidc).toMatchObject({
      ...{ jwksUrl: "http://[::1]:80/keys", rolesClaim: "realm_access.roles" },
    });
  });

  it("need an issuer, an audience and roles together, and all that is missing is told at once", () => {
    const all = ["LOCI_OIDC_ISSUER", "LOCI_OIDC_AUDIENCE", "LOCI_OIDC_ROLES"];
    const told = (environment: NodeJS.ProcessEnv) =>
      faults(environment).map((line) => /^ {2}(\w+): Must be set/.exec(line)?.[1]);
    expect(told({ LOCI_OIDC_JWKS_URL: "https://login.acme.test/keys" })).toEqual(all);
    expect(told({ LOCI_OIDC_ROLES_CLAIM: "roles" })).toEqual(all);
    for (const name of all) expect(told({ ...needed, [name]: "" })).toEqual([name]);
  });

  it("are of no issuer that could be listened to or written over on the way", () => {
    for (const issuer of [
      ...["http://login.acme.test", "ftp://login.acme.test", "login.acme.test", "http://127.0.0.1.acme.test"],
      ...[
        "https://user:secret@acme.test",
        "https://acme.test/?x=secret",
        "https://acme.test/#x",
        "http://10.0.0.1",
      ],
    ]) {
      for (const name of ["LOCI_OIDC_ISSUER", "LOCI_OIDC_JWKS_URL"]) {
        const [fault, ...more] = faults({ ...needed, [name]: issuer });
        expect(fault).toMatch(new RegExp(`^ {2}${name}: Must be an https URL`));
        expect(fault).not.toContain("secret");
        expect(more).toEqual([]);
      }
    }
    for (const issuer of ["http://localhost:8080/realms/x", "http://127.0.0.2", "https://login.acme.test"])
      expect(faults({ ...needed, LOCI_OIDC_ISSUER: issuer })).toEqual([]);
  });

  it("give the four roles that are bound to no tenant, and no other", () => {
    for (const role of ["tenant", "Admin", "root", "constructor", "toString", "", "admin auditor"]) {
      expect(faults({ ...needed, LOCI_OIDC_ROLES: `staff=${role}` })).toEqual([
        expect.stringMatching(/^ {2}LOCI_OIDC_ROLES: Must be pairs/),
      ]);
    }
    for (const text of ["admin", "=admin", "a=admin,", ",a=admin"]) expect(parseRoleMapping(text)).toBeNull();
    expect(parseRoleMapping("a = admin , cn=b c=provisioner,a=offboarder,d=e=auditor")).toEqual(
      new Map([
        ["a", ["admin", "offboarder"]],
        ["cn=b c", ["provisioner"]],
        ["d=e", ["auditor"]],
      ]),
    );
  });
});
