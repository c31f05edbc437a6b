-- CreateEnum
CREATE TYPE "ApiTokenKind" AS ENUM ('ADMIN', 'PROVISIONER', 'OFFBOARDER', 'AUDITOR', 'TENANT');

-- AlterTable
ALTER TABLE "installation" ADD COLUMN     "sealed_token_key" JSONB;

-- CreateTable
CREATE TABLE "api_token" (
    "id" TEXT NOT NULL,
    "line_id" TEXT NOT NULL,
    "kind" "ApiTokenKind" NOT NULL,
    "label" TEXT NOT NULL,
    "hash" BYTEA NOT NULL,
    "tenant_id" TEXT,
    "is_read_only" BOOLEAN NOT NULL DEFAULT false,
    "entity_type" TEXT,
    "entity_id" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "created_by" TEXT NOT NULL,
    "expires_at" TIMESTAMPTZ(3),
    "last_used_at" TIMESTAMPTZ(3),
    "replaced_at" TIMESTAMPTZ(3),
    "revoked_at" TIMESTAMPTZ(3),
    "revoked_by" TEXT,

    CONSTRAINT "api_token_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "api_token_line_id_idx" ON "api_token"("line_id");

-- CreateIndex
CREATE INDEX "api_token_tenant_id_idx" ON "api_token"("tenant_id");

-- AddForeignKey
ALTER TABLE "api_token" ADD CONSTRAINT "api_token_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenant"("id") ON DELETE RESTRICT ON UPDATE CASCADE;


-- What Prisma's schema language cannot say, below.

ALTER TABLE "api_token" ADD CONSTRAINT "api_token_of_a_tenant_names_it"
  CHECK (("kind" = 'TENANT') = ("tenant_id" IS NOT NULL));
ALTER TABLE "api_token" ADD CONSTRAINT "api_token_narrowed_is_a_tenants"
  CHECK ("kind" = 'TENANT' OR ("is_read_only" = false AND "entity_type" IS NULL));
ALTER TABLE "api_token" ADD CONSTRAINT "api_token_entity_is_whole"
  CHECK (("entity_type" IS NULL) = ("entity_id" IS NULL)
    AND ("entity_type" IS NULL OR "entity_type" IN ('user', 'agent', 'app', 'run')) AND "entity_id" <> '');
ALTER TABLE "api_token" ADD CONSTRAINT "api_token_revoked_by_somebody"
  CHECK (("revoked_at" IS NULL) = ("revoked_by" IS NULL));
ALTER TABLE "api_token" ADD CONSTRAINT "api_token_hash_is_whole" CHECK (octet_length("hash") = 32);
-- One that was replaced ends.
ALTER TABLE "api_token" ADD CONSTRAINT "api_token_replaced_ends"
  CHECK ("replaced_at" IS NULL OR "expires_at" IS NOT NULL OR "revoked_at" IS NOT NULL);

-- Of a line of tokens, each of which replaced the one before, one is the newest: two rotations at once have one winner.
CREATE UNIQUE INDEX "api_token_one_newest_of_a_line" ON "api_token" ("line_id") WHERE "replaced_at" IS NULL AND "revoked_at" IS NULL;

-- What a token may do is decided when it is made. It only ever ends sooner.
CREATE FUNCTION "api_token_guard"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW."id" <> OLD."id" OR NEW."line_id" <> OLD."line_id" OR NEW."kind" <> OLD."kind" OR NEW."hash" <> OLD."hash"
      OR NEW."tenant_id" IS DISTINCT FROM OLD."tenant_id" OR NEW."is_read_only" <> OLD."is_read_only"
      OR NEW."entity_type" IS DISTINCT FROM OLD."entity_type" OR NEW."entity_id" IS DISTINCT FROM OLD."entity_id" THEN
    RAISE EXCEPTION 'What an API token may do never changes.' USING ERRCODE = 'check_violation';
  END IF;
  IF OLD."revoked_at" IS NOT NULL AND NEW."revoked_at" IS DISTINCT FROM OLD."revoked_at" THEN
    RAISE EXCEPTION 'An API token that was revoked never comes back.' USING ERRCODE = 'check_violation';
  END IF;
  IF OLD."expires_at" IS NOT NULL AND (NEW."expires_at" IS NULL OR NEW."expires_at" > OLD."expires_at") THEN
    RAISE EXCEPTION 'An API token never lives longer than it was made for.' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER "api_token_guard" BEFORE UPDATE ON "api_token" FOR EACH ROW EXECUTE FUNCTION "api_token_guard"();

-- Whose place is gone, or was never made, is not asked for any more.
CREATE FUNCTION "tenant_revokes_tokens"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE "api_token" SET "revoked_at" = now(), "revoked_by" = 'loci' WHERE "tenant_id" = NEW."id" AND "revoked_at" IS NULL;
  RETURN NULL;
END $$;
CREATE TRIGGER "tenant_revokes_tokens" AFTER UPDATE ON "tenant" FOR EACH ROW
  WHEN (NEW."status" IN ('FAILED', 'OFFBOARDED') AND OLD."status" <> NEW."status")
  EXECUTE FUNCTION "tenant_revokes_tokens"();
