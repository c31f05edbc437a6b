/** A memory in the shape that Mem0 lists it in. */
export const memoryWire = {
  id: "638008c4-5f0e-4d0e-9c2a-6a1f5d3b7e21",
  memory: "User moved to San Francisco",
  user_id: "alice",
  agent_id: null,
  app_id: null,
  session_id: "run-7",
  metadata: { trip: "west" },
  categories: ["travel"],
  created_at: "2026-07-10T06:13:12.123456-07:00",
  updated_at: "2026-07-10T06:13:20.000001-07:00",
  expiration_date: "2030-01-31",
  replaced_by: null,
  synthesized: false,
  structured_attributes: { year: 2026 },
  lifecycle_state: "active",
  owner: "dev",
};

/** The same memory in our words. */
export const memoryParsed = {
  memoryId: "638008c4-5f0e-4d0e-9c2a-6a1f5d3b7e21",
  memory: "User moved to San Francisco",
  userId: "alice",
  agentId: null,
  appId: null,
  runId: "run-7",
  metadata: { trip: "west" },
  categories: ["travel"],
  createdAt: new Date("2026-07-10T13:13:12.123Z"),
  updatedAt: new Date("2026-07-10T13:13:20.000Z"),
  expirationDate: "2030-01-31",
  replacedBy: null,
  isSynthesized: false,
  structuredAttributes: { year: 2026 },
  lifecycleState: "active",
};

/** A memory of which Mem0 says as little as it may. */
export const bareWire = { id: "ea925981-272f-40dd-b576-be64e4871429", memory: "Likes cricket" };

/** The same in our words. */
export const bareParsed = {
  memoryId: bareWire.id,
  memory: "Likes cricket",
  userId: null,
  agentId: null,
  appId: null,
  runId: null,
  metadata: null,
  categories: null,
  createdAt: null,
  updatedAt: null,
  expirationDate: null,
  replacedBy: null,
  isSynthesized: null,
  structuredAttributes: null,
  lifecycleState: null,
};

/** An entry of a history in Mem0's shape, embeddings and all. */
export const historyWire = {
  id: "0b0f1d3e-8a2b-4c55-9d70-1f2e3d4c5b6a",
  memory_id: memoryWire.id,
  input: [
    { role: "user", content: "I moved to Austin" },
    { role: "user", content: [{ type: "image_url" }] },
  ],
  old_memory: null,
  new_memory: "User lives in Austin",
  user_id: "alice",
  agent_id: null,
  app_id: null,
  session_id: "run-7",
  categories: ["personal_details"],
  event: "ADD",
  metadata: {},
  previous_embedding_qwen: null,
  embedding_qwen: "[0.1,0.2]",
  created_at: "2026-07-10T13:13:12.123Z",
  updated_at: null,
};

/** The same in our words. */
export const historyParsed = {
  entryId: historyWire.id,
  memoryId: memoryWire.id,
  event: "ADD",
  oldMemory: null,
  newMemory: "User lives in Austin",
  input: [
    { role: "user", content: "I moved to Austin" },
    { role: "user", content: '[{"type":"image_url"}]' },
  ],
  userId: "alice",
  agentId: null,
  appId: null,
  runId: "run-7",
  metadata: {},
  categories: ["personal_details"],
  createdAt: new Date("2026-07-10T13:13:12.123Z"),
  updatedAt: null,
};
