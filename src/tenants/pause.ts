import type { Db } from "./mapping.ts";

/** The installation is paused: no process starts or goes on with an operation, while the API serves on. */
export interface Pause {
  readonly since: Date;
  /** In words for people. */
  readonly because: string;
}

/** Whether, since when and why the installation is paused; null: work goes on. One round trip. */
export async function readPause(db: Db): Promise<Pause | null> {
  const installation = await db.installation.findUnique({
    where: { id: 1 },
    select: { pausedAt: true, pausedBecause: true },
  });
  if (installation === null || installation.pausedAt === null) return null;
  return { since: installation.pausedAt, because: installation.pausedBecause ?? "" };
}

/**
 * Pauses the installation. One that is paused already stays so since when it was, for the new reason.
 * @throws when the database has no installation yet: `openMarkerSecret` makes it
 */
export async function pause(db: Db, because: string): Promise<void> {
  const paused = await db.$executeRaw`
    UPDATE installation SET paused_at = coalesce(paused_at, now()), paused_because = ${because} WHERE id = 1`;
  if (paused === 0) throw new Error("The database has no installation to pause.");
}

/** Ends the pause. Answers whether there was one; a repeat changes nothing. */
export async function resume(db: Db): Promise<boolean> {
  const resumed = await db.installation.updateMany({
    where: { id: 1, pausedAt: { not: null } },
    data: { pausedAt: null, pausedBecause: null },
  });
  return resumed.count === 1;
}
