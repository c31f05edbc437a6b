import { z } from "zod";
import { tenantKeySchema, waitMsSchema } from "../tenants/place.ts";

/** Whose memories a mutation is about; the same words for each. */
export const tenantKeyDescription =
  "The tenant's key; the newest tenant of that key is meant. A token of a tenant need not name it, and can name no other.";

/** How long a mutation may follow its event; the same words for each. */
export const eventWaitDescription =
  "How long to follow the event until it has ended; 0 to 60000. Looks at it again and again, which are calls of Mem0.";

/** What every input of a mutation of memories has. */
export const changeSchema = z.object({ tenantKey: tenantKeySchema.optional() });

/** The same of a mutation that can wait. */
export const waitingChangeSchema = changeSchema.extend({ waitMs: waitMsSchema.default(0) });

/** The longest text of a message or memory that is passed on, in UTF-16 code units. A request's body has its bound too. */
export const memoryTextMax = 100_000;
