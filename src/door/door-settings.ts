import { z } from "zod";
import { closedDoor, type DoorOptions } from "./door-options.ts";

/** Digits and nothing else, between two bounds. */
const between = (least: number, most: number) =>
  z
    .string()
    .regex(/^\d{1,10}$/, "Must be a whole number.")
    .transform(Number)
    .pipe(z.number().min(least, `Must be at least ${least}.`).max(most, `Must be at most ${most}.`));

/** As a browser sends them: a scheme, a host, a port where it is not the usual one, and no slash. */
const origins = z
  .string()
  .transform((value) => value.split(",").map((origin) => origin.trim()))
  .refine(
    (all) => all.every((one) => /^https?:/.test(one) && URL.canParse(one) && new URL(one).origin === one),
    {
      message:
        "Must be origins like https://app.example.com, without a slash at the end; several with commas.",
    },
  );

/** The variables of the environment that are about the GraphQL door, with their rules and defaults. */
export const doorVariables = {
  LOCI_CORS_ORIGINS: origins.default([...closedDoor.corsOrigins]),
  LOCI_REQUEST_TIMEOUT_MS: between(100, 2_147_483_647).default(closedDoor.requestTimeoutMs),
  LOCI_RATE_PER_MINUTE: between(1, 10_000_000).default(closedDoor.ratePerMinute),
  LOCI_CONCURRENCY_MAX: between(1, 100_000).default(closedDoor.concurrencyMax),
  LOCI_PROXIES: between(0, 10).default(closedDoor.proxies),
  LOCI_TRUSTED_DOCUMENTS: z.string().optional(),
};

/** What of the door is in the environment. */
export interface DoorSettings extends Omit<DoorOptions, "isDevelopment" | "trustedDocuments"> {
  /** A file of trusted documents. Null: any document may be sent. */
  readonly trustedDocumentsFile: string | null;
}

/** The settings by the variables' values. */
export function doorSettingsOf(values: z.output<z.ZodObject<typeof doorVariables>>): DoorSettings {
  return {
    corsOrigins: values.LOCI_CORS_ORIGINS,
    requestTimeoutMs: values.LOCI_REQUEST_TIMEOUT_MS,
    ratePerMinute: values.LOCI_RATE_PER_MINUTE,
    concurrencyMax: values.LOCI_CONCURRENCY_MAX,
    proxies: values.LOCI_PROXIES,
    trustedDocumentsFile: values.LOCI_TRUSTED_DOCUMENTS ?? null,
  };
}
