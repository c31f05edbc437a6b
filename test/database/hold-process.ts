import { holdDataFolder } from "../../src/database/folder-lock.ts";

// A process of its own that holds a data folder, says so in one line of JSON, and waits to be killed.

const [dataDir] = process.argv.slice(2);
if (dataDir === undefined) throw new Error("Usage: hold-process <data folder>");
await holdDataFolder(dataDir);
process.stdout.write("{}\n");
process.stdin.resume();
