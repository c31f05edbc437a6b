import { builder } from "./builder.ts";
import "./errors.ts";
import "./tenant.ts";
import "./resource.ts";
import "./operation.ts";
import "./sign-up-tenant.ts";
import "./offboard-tenant.ts";
import "./retry-operation.ts";

/** The whole schema. Printed and committed as schema.graphql. */
export const schema = builder.toSchema();
