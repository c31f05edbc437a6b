-- The second wall between tenants: docs/decisions/row-level-security.md. What a tenant's own caller reads is read as the role
-- "loci_tenant", for which there are the rows of one tenant alone: the one that the session names as "loci.tenant_id".

-- Roles are the whole cluster's: another database may have made it, or be making it right now. Who asked for one that is made
-- at this moment waits for that and is then refused; so the refusals of such a race are no failure.
DO $$
DECLARE
  can_become text := CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END;
BEGIN
  FOR try IN 1..5 LOOP
    BEGIN
      IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'loci_tenant') THEN
        CREATE ROLE "loci_tenant" NOLOGIN;
      END IF;
      -- A superuser becomes whatever it likes.
      IF NOT pg_has_role(session_user, 'loci_tenant', can_become) THEN
        EXECUTE format('GRANT "loci_tenant" TO %I %s', session_user,
          CASE WHEN can_become = 'SET' THEN 'WITH INHERIT FALSE, SET TRUE' ELSE '' END);
      END IF;
      EXIT;
    EXCEPTION
      WHEN duplicate_object OR unique_violation THEN NULL;
      -- What two sessions say of one role at once: "tuple concurrently updated".
      WHEN internal_error THEN IF try = 5 THEN RAISE; END IF;
      WHEN insufficient_privilege THEN
        RAISE EXCEPTION 'the login % may not make the role loci_tenant, or not become it; let a superuser run: CREATE ROLE loci_tenant NOLOGIN; (unless there is one) GRANT loci_tenant TO %;',
          quote_ident(session_user), quote_ident(session_user) USING ERRCODE = 'insufficient_privilege';
    END;
  END LOOP;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'loci_tenant' AND (rolsuper OR rolbypassrls)) THEN
    RAISE EXCEPTION 'the role loci_tenant is above row-level security; let a superuser run: ALTER ROLE loci_tenant NOSUPERUSER NOBYPASSRLS;';
  END IF;
  EXECUTE format('GRANT USAGE ON SCHEMA %I TO "loci_tenant"', current_schema());
END $$;

-- On every table of ours: what no policy opens stays closed, also where somebody grants more one day. The tables' owner, which
-- all of Loci but a tenant's reads works as, is above it.
ALTER TABLE "api_token" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "attempt" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "audit_event" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "audit_seal" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "audit_unsealed" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "executor" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "installation" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "mem0_account" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "operation" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "operation_step" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "project_key" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "resource" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "tenant" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "unaccounted" ENABLE ROW LEVEL SECURITY;

-- What is read for a tenant's own caller: itself, and what decides its memory access.
GRANT SELECT ON "tenant", "resource", "project_key", "mem0_account" TO "loci_tenant";
CREATE POLICY "tenant_itself" ON "tenant" FOR SELECT TO "loci_tenant"
  USING ("id" = current_setting('loci.tenant_id', true));
CREATE POLICY "resource_of_the_tenant" ON "resource" FOR SELECT TO "loci_tenant"
  USING ("tenant_id" = current_setting('loci.tenant_id', true));
CREATE POLICY "project_key_of_the_tenant" ON "project_key" FOR SELECT TO "loci_tenant"
  USING ("tenant_id" = current_setting('loci.tenant_id', true));
CREATE POLICY "mem0_account_of_the_tenant" ON "mem0_account" FOR SELECT TO "loci_tenant"
  USING ("id" = (SELECT t."account_id" FROM "tenant" t WHERE t."id" = current_setting('loci.tenant_id', true)));

-- May be asked for by any id, or is read along with what may be; holds nothing for a tenant's caller: without a policy there is no
-- row, and what is not his is answered like what is not there.
GRANT SELECT ON "operation", "operation_step", "api_token", "unaccounted" TO "loci_tenant";
