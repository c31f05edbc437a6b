-- CreateEnum
CREATE TYPE "KeyState" AS ENUM ('PROVED', 'REFUTED', 'DETACHED');

-- AlterEnum
ALTER TYPE "Mem0AccountRole" ADD VALUE 'CUSTOMER';

-- AlterTable
ALTER TABLE "mem0_account" ADD COLUMN     "detached_at" TIMESTAMPTZ(3),
ADD COLUMN     "key_hint" TEXT,
ADD COLUMN     "key_state" "KeyState",
ADD COLUMN     "label" TEXT,
ADD COLUMN     "linked_by" TEXT,
ADD COLUMN     "proof_due_at" TIMESTAMPTZ(3),
ADD COLUMN     "proved_at" TIMESTAMPTZ(3),
ADD COLUMN     "refuted_because" TEXT,
ADD COLUMN     "sealed_key" JSONB;

-- AlterTable
ALTER TABLE "tenant" ADD COLUMN     "account_id" TEXT;

-- CreateTable
CREATE TABLE "project_key" (
    "id" TEXT NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "resource_id" TEXT NOT NULL,
    "sealed_key" JSONB,
    "key_hint" TEXT NOT NULL,
    "state" "KeyState" NOT NULL DEFAULT 'PROVED',
    "proved_at" TIMESTAMPTZ(3) NOT NULL,
    "proof_due_at" TIMESTAMPTZ(3),
    "refuted_because" TEXT,
    "retires_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "attached_by" TEXT NOT NULL,
    "detached_at" TIMESTAMPTZ(3),

    CONSTRAINT "project_key_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "project_key_resource_id_id_idx" ON "project_key"("resource_id", "id");

-- CreateIndex
CREATE INDEX "project_key_tenant_id_idx" ON "project_key"("tenant_id");

-- AddForeignKey
ALTER TABLE "project_key" ADD CONSTRAINT "project_key_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenant"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "project_key" ADD CONSTRAINT "project_key_resource_id_fkey" FOREIGN KEY ("resource_id") REFERENCES "resource"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "tenant" ADD CONSTRAINT "tenant_account_id_fkey" FOREIGN KEY ("account_id") REFERENCES "mem0_account"("id") ON DELETE SET NULL ON UPDATE CASCADE;


-- What Prisma's schema language cannot say, below. A value that was just added to an enum cannot be used as such before
-- the commit, so roles are compared as text.

-- The platform's key is configuration; a customer's is here, sealed, until it is forgotten.
ALTER TABLE "mem0_account" ADD CONSTRAINT "mem0_account_key_is_a_customers"
  CHECK (("role"::text = 'CUSTOMER') = ("key_state" IS NOT NULL) AND ("role"::text = 'CUSTOMER') = ("key_hint" IS NOT NULL));
ALTER TABLE "mem0_account" ADD CONSTRAINT "mem0_account_forgets_what_is_detached"
  CHECK ("role"::text <> 'CUSTOMER' OR ("key_state"::text = 'DETACHED') = ("sealed_key" IS NULL)
    AND ("key_state"::text = 'DETACHED') = ("detached_at" IS NOT NULL));
ALTER TABLE "mem0_account" ADD CONSTRAINT "mem0_account_refuted_says_why"
  CHECK (("key_state"::text = 'REFUTED') IS NOT TRUE OR "refuted_because" IS NOT NULL);

ALTER TABLE "project_key" ADD CONSTRAINT "project_key_forgets_what_is_detached"
  CHECK (("state" = 'DETACHED') = ("sealed_key" IS NULL) AND ("state" = 'DETACHED') = ("detached_at" IS NOT NULL));
ALTER TABLE "project_key" ADD CONSTRAINT "project_key_refuted_says_why"
  CHECK (("state" = 'REFUTED') = ("refuted_because" IS NOT NULL));
ALTER TABLE "project_key" ADD CONSTRAINT "project_key_forgotten_is_not_proved"
  CHECK ("state" <> 'DETACHED' OR "proof_due_at" IS NULL);

-- What is due is looked for every second.
CREATE INDEX "project_key_proof_due" ON "project_key" ("proof_due_at") WHERE "proof_due_at" IS NOT NULL;
CREATE INDEX "project_key_retires" ON "project_key" ("retires_at") WHERE "retires_at" IS NOT NULL AND "state" <> 'DETACHED';
CREATE INDEX "mem0_account_proof_due" ON "mem0_account" ("proof_due_at") WHERE "proof_due_at" IS NOT NULL;
CREATE INDEX "tenant_account" ON "tenant" ("account_id") WHERE "account_id" IS NOT NULL;

-- Others only serve until they are forgotten.
CREATE UNIQUE INDEX "project_key_one_current" ON "project_key" ("resource_id")
  WHERE "retires_at" IS NULL AND "state" <> 'DETACHED';

-- A key in the wrong place would let one tenant into another's project, and nothing would look wrong.
CREATE FUNCTION "project_key_guard"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    IF NEW."tenant_id" <> OLD."tenant_id" OR NEW."resource_id" <> OLD."resource_id" THEN
      RAISE EXCEPTION 'A project key never becomes that of another.' USING ERRCODE = 'check_violation';
    END IF;
    IF OLD."state" = 'DETACHED' AND NEW."state" <> 'DETACHED' THEN
      RAISE EXCEPTION 'A project key that was forgotten never comes back.' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
  END IF;
  IF NOT EXISTS (SELECT FROM "resource" r JOIN "tenant" t ON t."id" = r."tenant_id"
      WHERE r."id" = NEW."resource_id" AND r."tenant_id" = NEW."tenant_id" AND r."kind" = 'PROJECT'
        AND t."status" NOT IN ('FAILED', 'OFFBOARDED')) THEN
    RAISE EXCEPTION 'A project key is of a project of its own tenant, who is not closed.' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER "project_key_guard" BEFORE INSERT OR UPDATE ON "project_key"
  FOR EACH ROW EXECUTE FUNCTION "project_key_guard"();

-- Whoever keeps what lets into a tenant's project is told of what may close it, in the transaction that does: nobody can
-- forget to, and it cannot be lost. Such transactions commit one at a time, so the conditions are narrow: signing up tells nothing.
CREATE FUNCTION "tell_memory_access"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_TABLE_NAME = 'mem0_account' THEN
    PERFORM pg_notify('loci_access', t."id") FROM "tenant" t WHERE t."account_id" = NEW."id";
  ELSIF TG_TABLE_NAME = 'tenant' THEN
    PERFORM pg_notify('loci_access', NEW."id");
  ELSE
    PERFORM pg_notify('loci_access', NEW."tenant_id");
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER "project_key_made_tells" AFTER INSERT ON "project_key"
  FOR EACH ROW EXECUTE FUNCTION "tell_memory_access"();
CREATE TRIGGER "project_key_tells" AFTER UPDATE ON "project_key" FOR EACH ROW
  WHEN (OLD."state" <> NEW."state" OR OLD."sealed_key" IS DISTINCT FROM NEW."sealed_key"
    OR OLD."retires_at" IS DISTINCT FROM NEW."retires_at")
  EXECUTE FUNCTION "tell_memory_access"();
CREATE TRIGGER "mem0_account_tells" AFTER UPDATE ON "mem0_account" FOR EACH ROW
  WHEN (OLD."key_state" IS DISTINCT FROM NEW."key_state" OR OLD."sealed_key" IS DISTINCT FROM NEW."sealed_key"
    OR OLD."org_id" <> NEW."org_id" OR OLD."project_id" <> NEW."project_id")
  EXECUTE FUNCTION "tell_memory_access"();
CREATE TRIGGER "tenant_tells" AFTER UPDATE ON "tenant" FOR EACH ROW
  WHEN (OLD."status" = 'ACTIVE' AND NEW."status" <> 'ACTIVE' OR OLD."account_id" IS DISTINCT FROM NEW."account_id")
  EXECUTE FUNCTION "tell_memory_access"();
CREATE TRIGGER "resource_tells" AFTER UPDATE ON "resource" FOR EACH ROW
  WHEN (OLD."kind" = 'PROJECT' AND OLD."state" = 'PRESENT' AND NEW."state" <> 'PRESENT')
  EXECUTE FUNCTION "tell_memory_access"();

-- Whose place is gone, or was never made, leaves no secret behind.
CREATE FUNCTION "tenant_forgets_keys"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE "project_key" SET "state" = 'DETACHED', "sealed_key" = NULL, "detached_at" = now(), "proof_due_at" = NULL,
    "refuted_because" = NULL
  WHERE "tenant_id" = NEW."id" AND "state" <> 'DETACHED';
  RETURN NULL;
END $$;
CREATE TRIGGER "tenant_forgets_keys" AFTER UPDATE ON "tenant" FOR EACH ROW
  WHEN (NEW."status" IN ('FAILED', 'OFFBOARDED') AND OLD."status" <> NEW."status")
  EXECUTE FUNCTION "tenant_forgets_keys"();
