import { builder } from "./builder.ts";
import "./errors.ts";
import "./tenant.ts";
import "./resource.ts";
import "./operation.ts";
import "./operations.ts";
import "./audit-event.ts";
import "./operator-action.ts";
import "./operation-eta.ts";
import "./operation-updated.ts";
import "./sign-up-tenant.ts";
import "./offboard-tenant.ts";
import "./retry-operation.ts";
import "./skip-step.ts";
import "./adopt-resource.ts";
import "./abort-operation.ts";
import "./amend-operation.ts";
import "./installation.ts";
import "./unaccounted.ts";
import "./resume-provisioning.ts";
import "./settle-unaccounted.ts";
import "./take-inventory.ts";

/** The whole schema. Printed and committed as schema.graphql. */
export const schema = builder.toSchema();
