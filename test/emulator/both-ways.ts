import { describe, it } from "vitest";
import { defaultSwitches, readSwitchText, type Switches } from "../../src/emulator/switches.ts";
import { type Rig, startRig } from "./rig.ts";

/** What an emulator does that has the switch so, as the rest of the sentence, and a test of it. */
export type Way = readonly [does: string, test: (rig: Rig) => Promise<void>];

/** A way for each value of the switch; of a number for as many as tell something, the default among them. */
export type Ways<Name extends keyof Switches> = Switches[Name] extends boolean
  ? { readonly true: Way; readonly false: Way }
  : Switches[Name] extends string
    ? { readonly [Value in Switches[Name]]: Way }
    : { readonly [written: number]: Way };

/**
 * Tests of one switch in all its ways, each with a fresh emulator that has been started so. `both-ways.test.ts` finds
 * the call by its text, so the name must stand right behind the bracket.
 * @throws when a number has fewer than two ways, or none for its default.
 */
export function bothWays<Name extends keyof Switches>(name: Name, ways: Ways<Name>): void {
  const written = Object.entries<Way>(ways);
  if (written.length < 2 || !Object.hasOwn(ways, String(defaultSwitches[name]))) {
    throw new Error(`${name} must be tried at its default, ${String(defaultSwitches[name])}, and otherwise`);
  }
  describe(`the switch ${name}`, () => {
    for (const [value, [does, test]] of written) {
      it(`at ${value} ${does}`, async () => {
        await test(await startRig({ switches: readSwitchText(`${name}=${value}`) }));
      });
    }
  });
}
