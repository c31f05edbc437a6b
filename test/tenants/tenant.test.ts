import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TenantStatus } from "../../src/generated/prisma/enums.ts";
import { TenantStatusRefused } from "../../src/tenants/refusals.ts";
import { checkMove, closedStatuses, statusesBefore } from "../../src/tenants/tenant.ts";
import { insertTenant, moveTenant, openRawDatabase, type RawDatabase } from "./legal-rows.ts";

const statuses = Object.values(TenantStatus);
const pairs = statuses.flatMap((from) => statuses.map((to) => [from, to] as const));

let database: RawDatabase;

beforeAll(async () => {
  database = await openRawDatabase();
});
afterAll(() => database.close());

function isMoveByCode(from: TenantStatus, to: TenantStatus): boolean {
  try {
    checkMove({ id: "tnt_1", status: from }, to);
    return true;
  } catch (error) {
    if (error instanceof TenantStatusRefused) return false;
    throw error;
  }
}

/** Brings a real row to `from`, tries to set `to`, and answers the database's complaint, or null. */
async function complaint(from: TenantStatus, to: TenantStatus): Promise<string | null> {
  const { client, undone } = database;
  return undone(async () => {
    const id = await insertTenant(client, { status: from });
    try {
      await moveTenant(client, id, to);
      return null;
    } catch (error) {
      return String(error);
    }
  });
}

describe("the moves of a tenant", () => {
  it("are these four, and no others", () => {
    const allowed = pairs.filter(([from, to]) => isMoveByCode(from, to)).map((pair) => pair.join(" > "));
    expect(allowed.toSorted()).toEqual([
      "ACTIVE > OFFBOARDING",
      "OFFBOARDING > OFFBOARDED",
      "PROVISIONING > ACTIVE",
      "PROVISIONING > FAILED",
    ]);
  });

  it.each(pairs)("%s to %s is allowed by the database exactly when the code allows it", async (from, to) => {
    const said = await complaint(from, to);
    // An update that leaves the status as it is moves nothing: the database lets it be, and the code has no such move.
    if (from === to || isMoveByCode(from, to)) expect(said).toBeNull();
    else expect(said ?? "").toContain(`A tenant that is ${from} cannot become ${to}.`);
  });

  it("answer backwards what they answer forwards", () => {
    for (const to of statuses) {
      expect(statusesBefore(to).toSorted()).toEqual(
        statuses.filter((from) => isMoveByCode(from, to)).toSorted(),
      );
    }
  });

  it("end in the closed statuses, and nowhere else", () => {
    const dead = statuses.filter((from) => !statuses.some((to) => isMoveByCode(from, to)));
    expect(dead.toSorted()).toEqual([...closedStatuses].toSorted());
  });

  it("are refused with the tenant's id, what it is, and what it would have to be", () => {
    const move = () => checkMove({ id: "tnt_42", status: "FAILED" }, "OFFBOARDING");
    expect(move).toThrow(TenantStatusRefused);
    expect(move).toThrow("The tenant is FAILED and cannot become OFFBOARDING; only ACTIVE can.");
    expect(move).toThrow(expect.objectContaining({ tenantId: "tnt_42", retryable: false }));
  });
});
