import { Prisma } from "../generated/prisma/client.ts";

/**
 * A condition that always holds; it lets the commit of its statement be answered before it is on disk. What it may stand
 * in is what is on disk before anything rests on it: Postgres writes its log in order, so the next commit that waits takes
 * all earlier ones along. In a crash of the server, and of nothing less, the statement may be undone if none had followed.
 */
export const commitsLater = Prisma.sql`(SELECT set_config('synchronous_commit', 'off', true)) = 'off'`;
