-- CreateEnum
CREATE TYPE "AuditDecision" AS ENUM ('ALLOWED', 'REFUSED');

-- AlterEnum
ALTER TYPE "OperationStatus" ADD VALUE 'CANCELLED';

-- AlterEnum
ALTER TYPE "StepStatus" ADD VALUE 'SKIPPED';

-- AlterTable
ALTER TABLE "installation" ADD COLUMN     "paused_at" TIMESTAMPTZ(3),
ADD COLUMN     "paused_because" TEXT;

-- AlterTable
ALTER TABLE "operation" ADD COLUMN     "cancel_reason" TEXT,
ADD COLUMN     "cancel_requested_at" TIMESTAMPTZ(3),
ADD COLUMN     "claimed_at" TIMESTAMPTZ(3),
ADD COLUMN     "deadline_at" TIMESTAMPTZ(3),
ADD COLUMN     "parks" INTEGER NOT NULL DEFAULT 0;

-- AlterTable
ALTER TABLE "operation_step" ADD COLUMN     "deadline_at" TIMESTAMPTZ(3),
ADD COLUMN     "evidence" TEXT,
ADD COLUMN     "next_attempt_at" TIMESTAMPTZ(3),
ADD COLUMN     "upstream_calls" INTEGER NOT NULL DEFAULT 0;

-- CreateTable
CREATE TABLE "executor" (
    "id" TEXT NOT NULL,
    "lock_key" SERIAL NOT NULL,
    "process" TEXT NOT NULL,
    "started_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "condemned_at" TIMESTAMPTZ(3),
    "handed_over_at" TIMESTAMPTZ(3),

    CONSTRAINT "executor_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "unaccounted" (
    "id" TEXT NOT NULL,
    "kind" "ResourceKind" NOT NULL,
    "upstream_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "found_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "settled_at" TIMESTAMPTZ(3),

    CONSTRAINT "unaccounted_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "audit_event" (
    "id" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "actor" TEXT NOT NULL,
    "action" TEXT NOT NULL,
    "decision" "AuditDecision" NOT NULL,
    "refusal" TEXT,
    "tenant_id" TEXT,
    "operation_id" TEXT,
    "reason" TEXT NOT NULL,
    "details" JSONB NOT NULL,

    CONSTRAINT "audit_event_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "executor_lock_key_key" ON "executor"("lock_key");

-- CreateIndex
CREATE UNIQUE INDEX "unaccounted_kind_upstream_id_key" ON "unaccounted"("kind", "upstream_id");

-- CreateIndex
CREATE INDEX "audit_event_operation_id_id_idx" ON "audit_event"("operation_id", "id");



-- What Prisma's schema language cannot say, below. A value that was just added to an enum cannot be used as such before
-- the commit, so new statuses are compared as text.

ALTER TABLE "installation" ADD CONSTRAINT "installation_paused_says_why"
  CHECK (("paused_at" IS NULL) = ("paused_because" IS NULL));

ALTER TABLE "executor" ADD CONSTRAINT "executor_handed_over_was_condemned"
  CHECK ("handed_over_at" IS NULL OR "condemned_at" IS NOT NULL);

-- What ran sagas before this migration was one process, always of this name. Nobody holds its lock, so its unfinished
-- runs are handed over.
INSERT INTO "executor" ("id", "process") VALUES ('loci', 'the one process of earlier versions');

ALTER TABLE "operation" DROP CONSTRAINT "operation_finished_at_says_ended";
ALTER TABLE "operation" ADD CONSTRAINT "operation_finished_at_says_ended"
  CHECK (("finished_at" IS NOT NULL) = ("status"::text IN ('SUCCEEDED', 'UNWOUND', 'CANCELLED')));
ALTER TABLE "operation" ADD CONSTRAINT "operation_cancel_says_why"
  CHECK (("cancel_requested_at" IS NULL) = ("cancel_reason" IS NULL));
ALTER TABLE "operation_step" ADD CONSTRAINT "operation_step_skipped_says_why"
  CHECK ("status"::text <> 'SKIPPED' OR "evidence" IS NOT NULL);

ALTER TABLE "audit_event" ADD CONSTRAINT "audit_event_refused_says_why"
  CHECK (("decision" = 'REFUSED') = ("refusal" IS NOT NULL));

-- An audit that can be rewritten is none. (Old rows may be deleted: that is retention.)
CREATE FUNCTION "audit_event_stays"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'An audit event is never changed.' USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER "audit_event_stays" BEFORE UPDATE ON "audit_event" FOR EACH ROW EXECUTE FUNCTION "audit_event_stays"();
