import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { withDatabase } from "../../src/database/connection-target.ts";
import { DatabaseUnavailable } from "../../src/database/errors.ts";
import { inTurn } from "../../src/database/in-turn.ts";
import { createTestDatabase, type TestDatabase } from "../test-database.ts";

let database: TestDatabase;

beforeEach(async () => {
  database = await createTestDatabase();
});

afterEach(() => database.drop());

describe("inTurn", () => {
  it("lets one process after the other do its deed, and answers what it does", async () => {
    let atIt = 0;
    let most = 0;
    const deed = async (answer: number) => {
      atIt += 1;
      most = Math.max(most, atIt);
      // Long enough for the others to come in between, if they could.
      await new Promise((resolve) => setTimeout(resolve, 120));
      atIt -= 1;
      return answer;
    };
    const answers = [1, 2, 3].map((answer) => inTurn(database.connectionString, () => deed(answer)));
    expect(await Promise.all(answers)).toEqual([1, 2, 3]);
    expect(most).toBe(1);
  });

  it("gives the turn back when the deed fails, and throws what it threw", async () => {
    const failing = inTurn(database.connectionString, () => Promise.reject(new Error("not made")));
    await expect(failing).rejects.toThrow("not made");
    expect(await inTurn(database.connectionString, async () => "made")).toBe("made");
  });

  it("says in words when the database cannot be reached, and does nothing", async () => {
    let isDone = false;
    const elsewhere = inTurn(withDatabase(database.connectionString, "no_such_database"), async () => {
      isDone = true;
    });
    await expect(elsewhere).rejects.toBeInstanceOf(DatabaseUnavailable);
    expect(isDone).toBe(false);
  });
});
