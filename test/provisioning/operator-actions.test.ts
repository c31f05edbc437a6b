import { describe, expect, it } from "vitest";
import {
  OperationKind,
  OperationStatus,
  StepStatus,
  TenantStatus,
} from "../../src/generated/prisma/enums.ts";
import { lastErrorOf } from "../../src/provisioning/last-error.ts";
import {
  isAborted,
  whatCanBeDone,
  whyNotAbort,
  whyNotAdopt,
  whyNotAmend,
  whyNotRetry,
  whyNotSkip,
} from "../../src/provisioning/operator-actions.ts";
import type { OperationSituation, SituatedResource } from "../../src/tenants/operation-situation.ts";

const organization: SituatedResource = {
  id: "res_o",
  kind: "ORGANIZATION",
  name: "main",
  parentId: null,
  state: "INTENDED",
  upstreamId: null,
};
const webhook: SituatedResource = {
  ...organization,
  id: "res_w",
  kind: "WEBHOOK",
  parentId: "res_o",
  name: "w",
};

/** A sign-up whose first step cannot tell what it made. */
const stuck: OperationSituation = {
  id: "op_1",
  kind: "SIGN_UP",
  tenantId: "tnt_1",
  status: "NEEDS_ATTENTION",
  run: 1,
  unwinding: false,
  startedAt: new Date(),
  cancelRequestedAt: null,
  steps: [
    { name: "createOrganization", status: "FAILED" },
    { name: "createWebhooks", status: "PENDING" },
  ],
  attempts: [{ resourceId: "res_o", outcome: "UNKNOWN" }],
  tenant: { status: "PROVISIONING", resources: [organization, webhook] },
};

const verbsOf = (situation: OperationSituation) =>
  whatCanBeDone(situation).map(({ verb, step, resourceId }) =>
    [verb, step ?? resourceId].filter(Boolean).join(" "),
  );

describe("what can be done about an operation", () => {
  it("that cannot tell what it made: go on, adopt, amend what is not made, call off", () => {
    expect(verbsOf(stuck)).toEqual([
      "retryOperation",
      "adoptResource res_o",
      "amendOperation",
      "abortOperation",
    ]);
  });

  it("whose organization was adopted: its step can be skipped, and what lies in it adopted", () => {
    const adopted = { ...organization, upstreamId: "org_1", state: "PRESENT" } as const;
    const situation = { ...stuck, tenant: { ...stuck.tenant, resources: [adopted, webhook] } };
    expect(verbsOf(situation)).toEqual([
      "retryOperation",
      "skipStep createOrganization",
      "adoptResource res_w",
      "amendOperation",
      "abortOperation",
    ]);
  });

  it("that goes back: the undoing can be skipped, and nothing be amended or called off", () => {
    const steps = [{ name: "createOrganization", status: "COMPENSATION_FAILED" } as const];
    expect(verbsOf({ ...stuck, unwinding: true, steps })).toEqual([
      "retryOperation",
      "skipStep createOrganization",
      "adoptResource res_o",
    ]);
  });

  it("has a reason for everything it offers, and offers only what waits or can be called off", () => {
    for (const kind of Object.values(OperationKind)) {
      for (const status of Object.values(OperationStatus)) {
        for (const tenantStatus of Object.values(TenantStatus)) {
          for (const unwinding of [false, true]) {
            const tenant = { ...stuck.tenant, status: tenantStatus };
            const actions = whatCanBeDone({ ...stuck, kind, status, unwinding, tenant });
            for (const { verb, why } of actions) {
              expect(why).toMatch(/\.$/);
              if (verb !== "abortOperation") expect(["PARKED", "NEEDS_ATTENTION"]).toContain(status);
              else {
                expect(["SIGN_UP", "LINK"]).toContain(kind);
                expect([tenantStatus, unwinding]).toEqual(["PROVISIONING", false]);
              }
            }
          }
        }
      }
    }
  });

  it("is what the verbs do not refuse, for every status of a step", () => {
    for (const status of Object.values(StepStatus)) {
      for (const unwinding of [false, true]) {
        const steps = [{ name: "createWebhooks", status }];
        const situation = { ...stuck, unwinding, steps };
        const offered = verbsOf(situation);
        expect(offered.includes("skipStep createWebhooks")).toBe(
          whyNotSkip(situation, "createWebhooks") === null,
        );
        expect(offered.includes("retryOperation")).toBe(whyNotRetry(situation) === null);
        expect(offered.includes("abortOperation")).toBe(whyNotAbort(situation) === null);
        expect(offered.includes("adoptResource res_o")).toBe(whyNotAdopt(situation, organization) === null);
        expect(offered.includes("amendOperation")).toBe(whyNotAmend(situation, webhook) === null);
      }
    }
  });
});

describe("calling off what was called off before", () => {
  const cancelRequestedAt = new Date();

  it.each([
    ["is under way", { status: "RUNNING" }, true],
    ["is being undone", { status: "UNWINDING", unwinding: true }, true],
    ["is stuck in its undoing", { unwinding: true }, true],
    ["is undone", { status: "UNWOUND", unwinding: true }, true],
    ["stopped before it was seen", { status: "NEEDS_ATTENTION" }, false],
    ["ended before it was seen", { status: "SUCCEEDED" }, false],
  ] as const)("changes nothing, or has to be done: it %s", (_what, changed, expected) => {
    expect(isAborted({ ...stuck, cancelRequestedAt, ...changed })).toBe(expected);
  });
});

describe("the last error", () => {
  const at = (second: number) => new Date(1_000 * second);
  const step = { startedAt: at(1), finishedAt: null, errorMessage: "m" };

  it("is that of what is stuck, even if another came later", () => {
    const steps = [
      { ...step, name: "a", status: "COMPENSATION_FAILED", errorCode: "Stuck", finishedAt: at(2) },
      { ...step, name: "b", status: "COMPENSATED", errorCode: "Earlier", finishedAt: at(9) },
    ] as const;
    expect(lastErrorOf({ unwinding: true, steps })).toEqual({ step: "a", code: "Stuck", message: "m" });
    expect(lastErrorOf({ unwinding: false, steps })?.step).toBe("b");
    expect(lastErrorOf({ unwinding: false, steps: [{ ...steps[0], errorCode: null }] })).toBeNull();
  });
});
