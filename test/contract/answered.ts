import type { z } from "zod";
import type { Reply } from "./client.ts";
import { confirmed, refuted, type Verdict } from "./verdict.ts";
import type { World } from "./world.ts";

/** Is it this status with a body of this shape? What is said of the body are the names in it only, where it is a success. */
export function answered(world: World, reply: Reply, status: number, shape: z.ZodType): Verdict {
  if (reply.status !== status) return refuted(`instead of ${status}: ${world.first.excerpt(reply)}`);
  const read = shape.safeParse(reply.body);
  if (read.success) return confirmed(String(status));
  const places = read.error.issues.map(({ path, code }) => `${path.join(".") || "body"}: ${code}`);
  return refuted(`${world.first.excerpt(reply)}: ${places.join(", ")}`);
}
