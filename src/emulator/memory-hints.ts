import { wordsOf } from "./memory-facts.ts";

/** What an add says about what to keep: free text; null where it says nothing. */
export interface Hints {
  readonly includes: string | null;
  readonly excludes: string | null;
}

/**
 * Is this sentence kept? Not when it shares a word with `excludes`; and where there is `includes`, only when it shares one
 * with that. Both are honoured by the real service (a commit in Mem0's repository), which asks a model; the rule is the
 * emulator's. Words that stand everywhere do not count, nor does a plural's s; hints of such words alone say nothing.
 */
export function isKeptBy({ includes, excludes }: Hints, sentence: string): boolean {
  const said = tellingWords(sentence);
  const sharesWith = (hint: ReadonlySet<string>): boolean => [...said].some((word) => hint.has(word));
  const unwanted = tellingWords(excludes ?? "");
  const wanted = tellingWords(includes ?? "");
  return !sharesWith(unwanted) && (wanted.size === 0 || sharesWith(wanted));
}

const everywhere = new Set(
  "a an and any anything about all are as at be but by do does for from has have his her i in is it its keep me my of on or only our related remember that the their them they this to user was we what with you your".split(
    " ",
  ),
);

function tellingWords(text: string): ReadonlySet<string> {
  const words = wordsOf(text).filter((word) => !everywhere.has(word));
  return new Set(words.map((word) => (word.length > 3 ? word.replace(/(?<!s)s$/, "") : word)));
}
