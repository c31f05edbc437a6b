-- CreateEnum
CREATE TYPE "AuditOutcome" AS ENUM ('ASKED', 'DONE', 'REPEATED', 'NOT_DONE', 'UNKNOWN');

-- AlterTable
ALTER TABLE "audit_event" ADD COLUMN     "call_id" TEXT,
ADD COLUMN     "correlation_id" TEXT,
ADD COLUMN     "outcome" "AuditOutcome";

-- AlterTable
ALTER TABLE "installation" ADD COLUMN     "sealed_audit_key" JSONB;

-- CreateTable
CREATE TABLE "audit_unsealed" (
    "event_id" TEXT NOT NULL,

    CONSTRAINT "audit_unsealed_pkey" PRIMARY KEY ("event_id")
);

-- CreateTable
CREATE TABLE "audit_seal" (
    "no" INTEGER NOT NULL,
    "sealed_at" TIMESTAMPTZ(3) NOT NULL,
    "newest_at" TIMESTAMPTZ(3) NOT NULL,
    "count" INTEGER NOT NULL,
    "event_ids" TEXT[],
    "digests" BYTEA NOT NULL,
    "root" BYTEA NOT NULL,
    "hash" BYTEA NOT NULL,
    "tag" BYTEA,
    "pruned_at" TIMESTAMPTZ(3),

    CONSTRAINT "audit_seal_pkey" PRIMARY KEY ("no")
);

-- CreateIndex
CREATE INDEX "audit_event_at_id_idx" ON "audit_event"("at", "id");

-- CreateIndex
CREATE INDEX "audit_event_actor_at_id_idx" ON "audit_event"("actor", "at", "id");

-- CreateIndex
CREATE INDEX "audit_event_action_at_id_idx" ON "audit_event"("action", "at", "id");

-- CreateIndex
CREATE INDEX "audit_event_tenant_id_at_id_idx" ON "audit_event"("tenant_id", "at", "id");



-- What Prisma's schema language cannot say, below.

-- Refusals are few, and looked for alone.
CREATE INDEX "audit_event_refused" ON "audit_event" ("at", "id") WHERE "decision" = 'REFUSED';

ALTER TABLE "audit_event" ADD CONSTRAINT "audit_event_refused_was_not_done"
  CHECK ("decision" = 'ALLOWED' OR "outcome" IS NULL OR "outcome" = 'NOT_DONE');

-- An audit that can be rewritten is none. Retention alone deletes, and says so to the trigger for its transaction.
CREATE OR REPLACE FUNCTION "audit_event_stays"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' AND current_setting('loci.audit_retention', true) = 'on' THEN
    RETURN OLD;
  END IF;
  RAISE EXCEPTION 'An audit event is never changed.' USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER "audit_event_is_not_deleted" BEFORE DELETE ON "audit_event"
  FOR EACH ROW EXECUTE FUNCTION "audit_event_stays"();
CREATE TRIGGER "audit_event_is_not_truncated" BEFORE TRUNCATE ON "audit_event"
  FOR EACH STATEMENT EXECUTE FUNCTION "audit_event_stays"();

-- Whatever writes an event puts it in line for the chain, by the same commit.
CREATE FUNCTION "audit_event_waits_for_seal"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO "audit_unsealed" ("event_id") VALUES (NEW."id");
  RETURN NULL;
END $$;
CREATE TRIGGER "audit_event_waits_for_seal" AFTER INSERT ON "audit_event"
  FOR EACH ROW EXECUTE FUNCTION "audit_event_waits_for_seal"();
INSERT INTO "audit_unsealed" ("event_id") SELECT "id" FROM "audit_event";

ALTER TABLE "audit_seal" ADD CONSTRAINT "audit_seal_is_whole"
  CHECK ("no" > 0 AND "count" > 0 AND octet_length("root") = 32 AND octet_length("hash") = 32
    AND ("tag" IS NULL OR octet_length("tag") = 32) AND octet_length("digests") = 32 * cardinality("event_ids")
    AND cardinality("event_ids") = CASE WHEN "pruned_at" IS NULL THEN "count" ELSE 0 END);

-- A seal stays for ever. Pruning empties what it says of its events, once.
CREATE FUNCTION "audit_seal_stays"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND current_setting('loci.audit_retention', true) = 'on' THEN
    IF OLD."pruned_at" IS NULL AND NEW."pruned_at" IS NOT NULL
        AND (NEW."no", NEW."sealed_at", NEW."newest_at", NEW."count", NEW."root", NEW."hash")
          = (OLD."no", OLD."sealed_at", OLD."newest_at", OLD."count", OLD."root", OLD."hash")
        AND NEW."tag" IS NOT DISTINCT FROM OLD."tag" THEN
      RETURN NEW;
    END IF;
  END IF;
  RAISE EXCEPTION 'A seal of the audit is never changed.' USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER "audit_seal_stays" BEFORE UPDATE OR DELETE ON "audit_seal"
  FOR EACH ROW EXECUTE FUNCTION "audit_seal_stays"();
CREATE TRIGGER "audit_seal_is_not_truncated" BEFORE TRUNCATE ON "audit_seal"
  FOR EACH STATEMENT EXECUTE FUNCTION "audit_seal_stays"();
