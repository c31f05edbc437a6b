import { defineConfig } from "vitest/config";

export default defineConfig({
  // The copy of graphql that Node finds. By itself Vite would give our own imports another one, by the field "module",
  // than its other users get, and no error of theirs would be a GraphQLError to us.
  resolve: { alias: [{ find: /^graphql$/, replacement: "graphql/index.js" }] },
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/global-setup.ts"],
    pool: "forks",
    // Most tests wait for other processes most of the time; vitest would use one worker on two cores.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
