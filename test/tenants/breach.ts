/** One way to break a guard of the database. */
export interface Breach {
  readonly guard: string;
  readonly what: string;
  /** Legal statements that come first, each of which must pass: the nearest to the breach that is allowed. */
  readonly allowed: readonly string[];
  readonly refused: string;
}

/** A tenant that is PROVISIONING with its open operation, one resource of each of three kinds, one open create. */
export const legalRows = `
  INSERT INTO installation (marker_secret) VALUES (decode(repeat('ab', 32), 'hex'));
  INSERT INTO mem0_account (id, role, upstream, org_id, project_id, user_email)
    VALUES ('acc_1', 'PLATFORM', 'emulator', 'org_0', 'proj_0', 'us@loci.test');
  INSERT INTO tenant (id, key, generation, name, status, drift) VALUES ('tnt_1', 'acme', 1, 'Acme', 'PROVISIONING', '{}');
  INSERT INTO operation (id, kind, tenant_id, actor, idempotency_key, input_hash, input)
    VALUES ('op_1', 'SIGN_UP', 'tnt_1', 'admin', 'key-1', 'hash', '{}');
  INSERT INTO operation_step (operation_id, position, name) VALUES ('op_1', 0, 'createOrganization');
  INSERT INTO resource (id, tenant_id, kind, name, desired, operation_id) VALUES
    ('res_org', 'tnt_1', 'ORGANIZATION', 'main', '{}', 'op_1'), ('res_proj', 'tnt_1', 'PROJECT', 'main', '{}', 'op_1'),
    ('res_member', 'tnt_1', 'ORGANIZATION_MEMBER', 'ada@acme.test', '{}', 'op_1');
  INSERT INTO attempt (id, resource_id, operation_id, step, action)
    VALUES ('att_1', 'res_org', 'op_1', 'createOrganization', 'CREATE');`;

/** Inserts a tenant that is PROVISIONING. */
export const tenantRow = (id: string, key: string, generation: number) =>
  `INSERT INTO tenant (id, key, generation, name, status, drift) VALUES ('${id}', '${key}', ${generation}, 'A', 'PROVISIONING', '{}')`;
/** Ends the sign-up of the tenant `tnt_1` in FAILED. */
export const failTenant = "UPDATE tenant SET status = 'FAILED', closed_at = now() WHERE id = 'tnt_1'";
/** Makes the tenant `tnt_1` ACTIVE. */
export const activateTenant = "UPDATE tenant SET status = 'ACTIVE', activated_at = now() WHERE id = 'tnt_1'";
