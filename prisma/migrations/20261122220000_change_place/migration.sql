-- AlterEnum
ALTER TYPE "OperationKind" ADD VALUE 'CHANGE_PLACE';

-- DropIndex
DROP INDEX "resource_tenant_id_kind_name_key";

-- CreateIndex
CREATE INDEX "resource_tenant_id_idx" ON "resource"("tenant_id");

-- What Prisma's schema language cannot say, below.

-- A member who left can come back, and a webhook's name be used again: what is GONE keeps its name in the history alone.
CREATE UNIQUE INDEX "resource_name_once" ON "resource" ("tenant_id", "kind", "name") WHERE "state" <> 'GONE';
