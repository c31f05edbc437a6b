import { z } from "zod";

/** An API key of Mem0's as a caller gives it. A shorter one could be guessed from the four characters that are shown. */
export const apiKeySchema = z
  .string()
  .regex(/^[\x21-\x7e]{16,512}$/, "Must have 16 to 512 printable ASCII characters and no spaces.");
