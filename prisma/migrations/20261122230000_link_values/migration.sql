-- Values that the next migration's guards compare with: one that was just added cannot be used before the commit.

-- AlterEnum
ALTER TYPE "GoneBy" ADD VALUE 'RELEASED';

-- AlterEnum
ALTER TYPE "OperationKind" ADD VALUE 'LINK';

-- AlterTable
ALTER TABLE "mem0_account" ADD COLUMN     "organization_name" TEXT,
ADD COLUMN     "project_name" TEXT;
