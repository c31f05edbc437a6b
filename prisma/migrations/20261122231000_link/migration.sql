-- What Prisma's schema language cannot say: the guards of customers' own accounts, and of the tenants on them.

-- One account of a customer for each organization and project; another key replaces its key. What was unlinked is history.
CREATE UNIQUE INDEX "mem0_account_once" ON "mem0_account" ("upstream", "org_id", "project_id")
  WHERE "role" = 'CUSTOMER' AND "key_state" <> 'DETACHED';

-- Two tenants on one account would read each other's memories.
CREATE UNIQUE INDEX "tenant_account_open" ON "tenant" ("account_id")
  WHERE "account_id" IS NOT NULL AND "status" NOT IN ('FAILED', 'OFFBOARDED');

-- No two resources are the same thing upstream; but what was released is the customer's again, and may become another
-- tenant's. An expression and no predicate, so that looking up an upstream id goes by this index as before.
DROP INDEX "resource_upstream_once";
CREATE UNIQUE INDEX "resource_upstream_once" ON "resource"
  ("kind", "upstream_id", (CASE WHEN "gone_by" = 'RELEASED' THEN "id" ELSE '' END)) WHERE "upstream_id" IS NOT NULL;

CREATE OR REPLACE FUNCTION "resource_guard"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD."upstream_id" IS NOT NULL AND NEW."upstream_id" IS DISTINCT FROM OLD."upstream_id" THEN
    RAISE EXCEPTION 'The upstream id of a resource is written once.' USING ERRCODE = 'check_violation';
  END IF;
  IF OLD."state" = 'GONE' AND NEW."state" <> 'GONE' THEN
    RAISE EXCEPTION 'A resource that is GONE stays GONE.' USING ERRCODE = 'check_violation';
  END IF;
  IF NEW."gone_by" IS DISTINCT FROM OLD."gone_by" AND NEW."gone_by" = 'RELEASED' AND NOT EXISTS (
    SELECT FROM "tenant" t WHERE t."id" = NEW."tenant_id" AND t."account_id" IS NOT NULL
  ) THEN
    RAISE EXCEPTION 'Only a place on a customer''s own account is released.' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION "tenant_guard"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW."id" <> OLD."id" OR NEW."key" <> OLD."key" OR NEW."generation" <> OLD."generation" THEN
    RAISE EXCEPTION 'A tenant''s id, key and generation never change.' USING ERRCODE = 'check_violation';
  END IF;
  IF NEW."account_id" IS DISTINCT FROM OLD."account_id" THEN
    RAISE EXCEPTION 'A tenant stays on the account that it was signed up onto.' USING ERRCODE = 'check_violation';
  END IF;
  IF NEW."status" <> OLD."status" AND (OLD."status"::text, NEW."status"::text) NOT IN (
    ('PROVISIONING', 'ACTIVE'), ('PROVISIONING', 'FAILED'), ('ACTIVE', 'OFFBOARDING'), ('OFFBOARDING', 'OFFBOARDED')
  ) THEN
    RAISE EXCEPTION 'A tenant that is % cannot become %.', OLD."status", NEW."status" USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;

CREATE FUNCTION "tenant_account_is_linked"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM "mem0_account" a
      WHERE a."id" = NEW."account_id" AND a."role" = 'CUSTOMER' AND a."key_state" <> 'DETACHED') THEN
    RAISE EXCEPTION 'A tenant is signed up onto an account that a customer linked.' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER "tenant_account_is_linked" BEFORE INSERT ON "tenant" FOR EACH ROW
  WHEN (NEW."account_id" IS NOT NULL) EXECUTE FUNCTION "tenant_account_is_linked"();

-- Tenants are found in an account's project by what the account says: it must not say otherwise later.
CREATE FUNCTION "mem0_account_guard"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW."role" <> OLD."role" OR NEW."upstream" <> OLD."upstream" OR NEW."org_id" <> OLD."org_id"
      OR NEW."project_id" <> OLD."project_id" THEN
    RAISE EXCEPTION 'A customer''s account stays that of its organization and project.' USING ERRCODE = 'check_violation';
  END IF;
  IF OLD."key_state" = 'DETACHED' AND NEW."key_state" <> 'DETACHED' THEN
    RAISE EXCEPTION 'An account that was unlinked never comes back.' USING ERRCODE = 'check_violation';
  END IF;
  IF NEW."key_state" = 'DETACHED' AND OLD."key_state" <> 'DETACHED' AND EXISTS (SELECT FROM "tenant" t
      WHERE t."account_id" = NEW."id" AND t."status" NOT IN ('FAILED', 'OFFBOARDED')) THEN
    RAISE EXCEPTION 'An account that a tenant is on stays linked.' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER "mem0_account_guard" BEFORE UPDATE ON "mem0_account" FOR EACH ROW
  WHEN (OLD."role" = 'CUSTOMER') EXECUTE FUNCTION "mem0_account_guard"();

-- A place that a customer brought is not ours to delete. Creates are left out: they cost every sign-up.
CREATE FUNCTION "attempt_leaves_linked_alone"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM "resource" r JOIN "tenant" t ON t."id" = r."tenant_id"
      WHERE r."id" = NEW."resource_id" AND t."account_id" IS NOT NULL) THEN
    RAISE EXCEPTION 'Nothing of a customer''s own place is deleted.' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER "attempt_leaves_linked_alone" BEFORE INSERT ON "attempt" FOR EACH ROW
  WHEN (NEW."action" = 'DELETE') EXECUTE FUNCTION "attempt_leaves_linked_alone"();
