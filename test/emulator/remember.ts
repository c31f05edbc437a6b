import type { Rig } from "./rig.ts";

/** Stores this text verbatim as a memory, of Alice unless said otherwise, and answers its id. */
export async function remember(
  rig: Rig,
  text: string,
  fields: object = { user_id: "alice" },
): Promise<string> {
  const messages = [{ role: "user", content: text }];
  const reply = await rig.call("POST", "/v3/memories/add/", { messages, infer: false, ...fields });
  const { results } = reply.body as { results?: readonly { id: string }[] };
  const id = results?.[0]?.id;
  if (id === undefined) throw new Error(`The memory was not stored: ${reply.status} ${reply.text}`);
  return id;
}
