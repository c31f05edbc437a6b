-- CreateSchema
CREATE SCHEMA IF NOT EXISTS "public";

-- CreateEnum
CREATE TYPE "Mem0AccountRole" AS ENUM ('PLATFORM');

-- CreateEnum
CREATE TYPE "TenantStatus" AS ENUM ('PROVISIONING', 'ACTIVE', 'FAILED', 'OFFBOARDING', 'OFFBOARDED');

-- CreateEnum
CREATE TYPE "ResourceKind" AS ENUM ('ORGANIZATION', 'PROJECT', 'PROJECT_SETTINGS', 'ORGANIZATION_MEMBER', 'PROJECT_MEMBER', 'WEBHOOK');

-- CreateEnum
CREATE TYPE "ResourceState" AS ENUM ('INTENDED', 'AWAITING_REGISTRATION', 'PRESENT', 'GONE', 'UNKNOWN');

-- CreateEnum
CREATE TYPE "GoneBy" AS ENUM ('DELETED', 'PARENT', 'NEVER_MADE');

-- CreateEnum
CREATE TYPE "AttemptAction" AS ENUM ('CREATE', 'DELETE');

-- CreateEnum
CREATE TYPE "AttemptOutcome" AS ENUM ('DONE', 'NOT_DONE', 'UNKNOWN', 'ABANDONED');

-- CreateEnum
CREATE TYPE "OperationKind" AS ENUM ('SIGN_UP', 'OFFBOARD', 'ADD_WAITING_MEMBERS', 'CHECK_TWINS');

-- CreateEnum
CREATE TYPE "OperationStatus" AS ENUM ('QUEUED', 'RUNNING', 'PARKED', 'SUCCEEDED', 'UNWINDING', 'UNWOUND', 'NEEDS_ATTENTION');

-- CreateEnum
CREATE TYPE "StepStatus" AS ENUM ('PENDING', 'RUNNING', 'SUCCEEDED', 'FAILED', 'SUPERSEDED', 'COMPENSATING', 'COMPENSATED', 'COMPENSATION_FAILED');

-- CreateTable
CREATE TABLE "installation" (
    "id" INTEGER NOT NULL DEFAULT 1,
    "marker_secret" BYTEA NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "installation_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "mem0_account" (
    "id" TEXT NOT NULL,
    "role" "Mem0AccountRole" NOT NULL,
    "upstream" TEXT NOT NULL,
    "org_id" TEXT NOT NULL,
    "project_id" TEXT NOT NULL,
    "user_email" TEXT NOT NULL,
    "organization_list_sees_created" BOOLEAN NOT NULL DEFAULT false,
    "project_list_sees_created" BOOLEAN NOT NULL DEFAULT false,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "mem0_account_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "tenant" (
    "id" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "generation" INTEGER NOT NULL,
    "name" TEXT NOT NULL,
    "status" "TenantStatus" NOT NULL,
    "drift" TEXT[],
    "read_back_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "activated_at" TIMESTAMPTZ(3),
    "closed_at" TIMESTAMPTZ(3),

    CONSTRAINT "tenant_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "resource" (
    "id" TEXT NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "kind" "ResourceKind" NOT NULL,
    "name" TEXT NOT NULL,
    "parent_id" TEXT,
    "marker" TEXT,
    "upstream_id" TEXT,
    "desired" JSONB NOT NULL,
    "state" "ResourceState" NOT NULL DEFAULT 'INTENDED',
    "reason" TEXT,
    "gone_by" "GoneBy",
    "retry_at" TIMESTAMPTZ(3),
    "retries" INTEGER NOT NULL DEFAULT 0,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "present_at" TIMESTAMPTZ(3),
    "gone_at" TIMESTAMPTZ(3),
    "operation_id" TEXT NOT NULL,

    CONSTRAINT "resource_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "attempt" (
    "id" TEXT NOT NULL,
    "resource_id" TEXT NOT NULL,
    "operation_id" TEXT NOT NULL,
    "step" TEXT NOT NULL,
    "action" "AttemptAction" NOT NULL,
    "twin_id" TEXT,
    "outcome" "AttemptOutcome",
    "owner_seen_at" TIMESTAMPTZ(3),
    "error" TEXT,
    "started_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "attempt_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "operation" (
    "id" TEXT NOT NULL,
    "kind" "OperationKind" NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "actor" TEXT NOT NULL,
    "idempotency_key" TEXT NOT NULL,
    "input_hash" TEXT NOT NULL,
    "input" JSONB NOT NULL,
    "status" "OperationStatus" NOT NULL DEFAULT 'QUEUED',
    "run" INTEGER NOT NULL DEFAULT 1,
    "unwinding" BOOLEAN NOT NULL DEFAULT false,
    "resume_at" TIMESTAMPTZ(3),
    "reason" TEXT,
    "ambiguous" BOOLEAN NOT NULL DEFAULT false,
    "twin_check_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "started_at" TIMESTAMPTZ(3),
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "operation_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "operation_step" (
    "operation_id" TEXT NOT NULL,
    "position" INTEGER NOT NULL,
    "name" TEXT NOT NULL,
    "status" "StepStatus" NOT NULL DEFAULT 'PENDING',
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "output" JSONB,
    "error_code" TEXT,
    "error_message" TEXT,
    "error_retryable" BOOLEAN,
    "started_at" TIMESTAMPTZ(3),
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "operation_step_pkey" PRIMARY KEY ("operation_id","position")
);

-- CreateIndex
CREATE INDEX "tenant_status_id_idx" ON "tenant"("status", "id");

-- CreateIndex
CREATE UNIQUE INDEX "tenant_key_generation_key" ON "tenant"("key", "generation");

-- CreateIndex
CREATE INDEX "resource_parent_id_idx" ON "resource"("parent_id");

-- CreateIndex
CREATE INDEX "resource_operation_id_idx" ON "resource"("operation_id");

-- CreateIndex
CREATE UNIQUE INDEX "resource_tenant_id_kind_name_key" ON "resource"("tenant_id", "kind", "name");

-- CreateIndex
CREATE INDEX "attempt_resource_id_action_idx" ON "attempt"("resource_id", "action");

-- CreateIndex
CREATE INDEX "attempt_operation_id_idx" ON "attempt"("operation_id");

-- CreateIndex
CREATE INDEX "operation_tenant_id_id_idx" ON "operation"("tenant_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "operation_actor_kind_idempotency_key_key" ON "operation"("actor", "kind", "idempotency_key");

-- CreateIndex
CREATE UNIQUE INDEX "operation_step_operation_id_name_key" ON "operation_step"("operation_id", "name");

-- AddForeignKey
ALTER TABLE "resource" ADD CONSTRAINT "resource_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenant"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "resource" ADD CONSTRAINT "resource_operation_id_fkey" FOREIGN KEY ("operation_id") REFERENCES "operation"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "resource" ADD CONSTRAINT "resource_parent_id_fkey" FOREIGN KEY ("parent_id") REFERENCES "resource"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "attempt" ADD CONSTRAINT "attempt_resource_id_fkey" FOREIGN KEY ("resource_id") REFERENCES "resource"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "attempt" ADD CONSTRAINT "attempt_operation_id_fkey" FOREIGN KEY ("operation_id") REFERENCES "operation"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "operation" ADD CONSTRAINT "operation_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenant"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "operation_step" ADD CONSTRAINT "operation_step_operation_id_fkey" FOREIGN KEY ("operation_id") REFERENCES "operation"("id") ON DELETE RESTRICT ON UPDATE CASCADE;



-- What Prisma's schema language cannot say, below: the guards that keep illegal states out.

ALTER TABLE "installation" ADD CONSTRAINT "installation_is_one_row" CHECK ("id" = 1);
ALTER TABLE "installation" ADD CONSTRAINT "installation_secret_is_long" CHECK (octet_length("marker_secret") >= 32);
CREATE UNIQUE INDEX "mem0_account_one_platform" ON "mem0_account" ("role") WHERE "role" = 'PLATFORM';

-- A key is free again only when its tenant FAILED or was OFFBOARDED.
CREATE UNIQUE INDEX "tenant_key_open" ON "tenant" ("key") WHERE "status" NOT IN ('FAILED', 'OFFBOARDED');
ALTER TABLE "tenant" ADD CONSTRAINT "tenant_generation_positive" CHECK ("generation" >= 1);
ALTER TABLE "tenant" ADD CONSTRAINT "tenant_closed_at_says_closed"
  CHECK (("closed_at" IS NOT NULL) = ("status" IN ('FAILED', 'OFFBOARDED')));
ALTER TABLE "tenant" ADD CONSTRAINT "tenant_activated_at_says_was_active"
  CHECK (("activated_at" IS NOT NULL) = ("status" IN ('ACTIVE', 'OFFBOARDING', 'OFFBOARDED')));

-- The moves of a tenant; the same table stands in src/tenants/tenant.ts, and a test compares them.
CREATE FUNCTION "tenant_guard"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW."id" <> OLD."id" OR NEW."key" <> OLD."key" OR NEW."generation" <> OLD."generation" THEN
    RAISE EXCEPTION 'A tenant''s id, key and generation never change.' USING ERRCODE = 'check_violation';
  END IF;
  IF NEW."status" <> OLD."status" AND (OLD."status"::text, NEW."status"::text) NOT IN (
    ('PROVISIONING', 'ACTIVE'), ('PROVISIONING', 'FAILED'), ('ACTIVE', 'OFFBOARDING'), ('OFFBOARDING', 'OFFBOARDED')
  ) THEN
    RAISE EXCEPTION 'A tenant that is % cannot become %.', OLD."status", NEW."status" USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER "tenant_guard" BEFORE UPDATE ON "tenant" FOR EACH ROW EXECUTE FUNCTION "tenant_guard"();

CREATE FUNCTION "tenant_starts_provisioning"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW."status" <> 'PROVISIONING' THEN
    RAISE EXCEPTION 'A tenant begins PROVISIONING.' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER "tenant_starts_provisioning" BEFORE INSERT ON "tenant"
  FOR EACH ROW EXECUTE FUNCTION "tenant_starts_provisioning"();

-- No two resources are the same thing upstream.
CREATE UNIQUE INDEX "resource_upstream_once" ON "resource" ("kind", "upstream_id") WHERE "upstream_id" IS NOT NULL;
ALTER TABLE "resource" ADD CONSTRAINT "resource_gone_says_how"
  CHECK (("state" = 'GONE') = ("gone_by" IS NOT NULL) AND ("state" = 'GONE') = ("gone_at" IS NOT NULL));
ALTER TABLE "resource" ADD CONSTRAINT "resource_present_has_upstream_id"
  CHECK ("state" <> 'PRESENT' OR "upstream_id" IS NOT NULL
    OR "kind" IN ('PROJECT_SETTINGS', 'ORGANIZATION_MEMBER', 'PROJECT_MEMBER'));
ALTER TABLE "resource" ADD CONSTRAINT "resource_only_members_wait"
  CHECK ("state" <> 'AWAITING_REGISTRATION' OR ("kind" IN ('ORGANIZATION_MEMBER', 'PROJECT_MEMBER') AND "retry_at" IS NOT NULL));
CREATE INDEX "resource_retry_due" ON "resource" ("retry_at") WHERE "state" = 'AWAITING_REGISTRATION';

-- An upstream id is written once, and what is GONE stays gone.
CREATE FUNCTION "resource_guard"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD."upstream_id" IS NOT NULL AND NEW."upstream_id" IS DISTINCT FROM OLD."upstream_id" THEN
    RAISE EXCEPTION 'The upstream id of a resource is written once.' USING ERRCODE = 'check_violation';
  END IF;
  IF OLD."state" = 'GONE' AND NEW."state" <> 'GONE' THEN
    RAISE EXCEPTION 'A resource that is GONE stays GONE.' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER "resource_guard" BEFORE UPDATE ON "resource" FOR EACH ROW EXECUTE FUNCTION "resource_guard"();

-- At most one create, and one delete of each thing, is without a known outcome.
CREATE UNIQUE INDEX "attempt_unresolved_once" ON "attempt" ("resource_id", "action", (coalesce("twin_id", '')))
  WHERE "outcome" IS NULL OR "outcome" = 'UNKNOWN';
ALTER TABLE "attempt" ADD CONSTRAINT "attempt_outcome_has_a_time" CHECK (("outcome" IS NULL) = ("finished_at" IS NULL));
ALTER TABLE "attempt" ADD CONSTRAINT "attempt_delete_saw_owner" CHECK ("action" <> 'DELETE' OR "owner_seen_at" IS NOT NULL);

CREATE UNIQUE INDEX "operation_open_once" ON "operation" ("tenant_id")
  WHERE "status" IN ('QUEUED', 'RUNNING', 'PARKED', 'UNWINDING', 'NEEDS_ATTENTION');
CREATE INDEX "operation_open" ON "operation" ("status", "created_at")
  WHERE "status" IN ('QUEUED', 'RUNNING', 'PARKED', 'UNWINDING', 'NEEDS_ATTENTION');
CREATE INDEX "operation_twin_check_due" ON "operation" ("twin_check_at") WHERE "twin_check_at" IS NOT NULL;
ALTER TABLE "operation" ADD CONSTRAINT "operation_run_positive" CHECK ("run" >= 1);
ALTER TABLE "operation" ADD CONSTRAINT "operation_parked_until" CHECK (("status" = 'PARKED') = ("resume_at" IS NOT NULL));
ALTER TABLE "operation" ADD CONSTRAINT "operation_attention_says_why"
  CHECK ("status" NOT IN ('NEEDS_ATTENTION', 'PARKED', 'UNWOUND') OR "reason" IS NOT NULL);
ALTER TABLE "operation" ADD CONSTRAINT "operation_finished_at_says_ended"
  CHECK (("finished_at" IS NOT NULL) = ("status" IN ('SUCCEEDED', 'UNWOUND')));
ALTER TABLE "operation" ADD CONSTRAINT "operation_unwinding_goes_back"
  CHECK ("status" <> 'UNWINDING' OR "unwinding");

-- Search by the beginnings of words in the key or the name. (The embedded Postgres has no pg_trgm.) Punctuation that
-- the parser would take for a host name or a version is made a space first. Repeated in src/tenants/find-tenants.ts.
CREATE INDEX "tenant_search" ON "tenant"
  USING gin (to_tsvector('simple', regexp_replace("key" || ' ' || "name", '[._:@/+-]+', ' ', 'g')));
