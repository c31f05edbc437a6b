import { Mem0Refused } from "./errors.ts";

/** The answer to a call that asks for one thing, or null when it was 404: Mem0 does not show us such a thing. */
export async function orAbsent<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof Mem0Refused && error.status === 404) return null;
    throw error;
  }
}
