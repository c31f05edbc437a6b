import type pg from "pg";
import { Prisma, type PrismaClient } from "../generated/prisma/client.ts";
import { statementName } from "./statement-name.ts";

/** The text of each template of ours, so that it is put together once: templates are the same object at every call. */
const texts = new WeakMap<TemplateStringsArray, string>();

function statementOf(
  strings: TemplateStringsArray | Prisma.Sql,
  values: readonly unknown[],
): { readonly text: string; readonly values: readonly unknown[] } {
  if (!("raw" in strings)) return strings;
  // What is put into another is a part of the text, and may be another one at each call.
  if (values.some((value) => value instanceof Prisma.Sql)) return Prisma.sql(strings, ...values);
  const known = texts.get(strings);
  if (known !== undefined) return { text: known, values };
  const { text } = Prisma.sql(strings, ...values);
  texts.set(strings, text);
  return { text, values };
}

/**
 * The same client, whose `$queryRaw` and `$executeRaw` go straight to the driver: what is SQL already needs no query
 * compiler, and takes a third of the time (docs/performance.md). Rows come as the driver reads them: `bigint` and `numeric`
 * as text, so such columns are cast in the statement. A transaction's client is Prisma's own: its raw statements go where
 * the transaction is. (Only the form of `$transaction` that takes a function can hold raw statements: what these answer are
 * plain promises.)
 */
export function withDirectRaw(prisma: PrismaClient, pool: pg.Pool): PrismaClient {
  const send = (strings: TemplateStringsArray | Prisma.Sql, values: readonly unknown[]) => {
    const { text, values: parameters } = statementOf(strings, values);
    const name = statementName(text);
    return pool.query({ text, values: [...parameters], ...(name === undefined ? {} : { name }) });
  };
  const direct = {
    $queryRaw: async (strings: TemplateStringsArray | Prisma.Sql, ...values: unknown[]) =>
      (await send(strings, values)).rows,
    $executeRaw: async (strings: TemplateStringsArray | Prisma.Sql, ...values: unknown[]) =>
      (await send(strings, values)).rowCount ?? 0,
  };
  return new Proxy(prisma, {
    get(target, property) {
      if (property === "$queryRaw" || property === "$executeRaw") return direct[property];
      const value: unknown = Reflect.get(target, property, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
