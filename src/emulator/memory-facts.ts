import type { Message, Scope } from "./memory-rows.ts";

/** What an add is about to remember: one text, whom it belongs to, and the message it was said in. */
export interface Fact {
  readonly text: string;
  readonly scope: Scope;
  readonly message: Message;
}

/**
 * What is extracted from a conversation, without a model: every sentence of a user message that is no question, and of
 * an assistant message when an agent is named. With a user and an agent both named, what the user said belongs to the
 * user alone and what the assistant said to the agent alone (Mem0 OpenAPI and docs, add-memories). A repeated sentence
 * is one fact, and what is not wanted is none.
 */
export function extractFacts(
  messages: readonly Message[],
  scope: Scope,
  isWanted: (sentence: string) => boolean,
): readonly Fact[] {
  const hasBoth = scope.user_id !== null && scope.agent_id !== null;
  const seen = new Set<string>();
  const facts: Fact[] = [];
  for (const message of messages) {
    const { role, content } = message;
    const isHeard = role === "user" || (role === "assistant" && scope.agent_id !== null);
    if (!isHeard) continue;
    const own = hasBoth ? { ...scope, [role === "user" ? "agent_id" : "user_id"]: null } : scope;
    for (const text of sentencesOf(content)) {
      const key = `${role} ${essenceOf(text)}`;
      if (seen.has(key) || !isWanted(text)) continue;
      seen.add(key);
      facts.push({ text, scope: own, message });
    }
  }
  return facts;
}

/**
 * What is stored as it stands (`infer: false`): one memory for each user and assistant message, with all the ids; system
 * messages are dropped, and of equal texts all but the first (Mem0 docs, direct-import).
 */
export function verbatimFacts(messages: readonly Message[], scope: Scope): readonly Fact[] {
  const byText = new Map<string, Message>();
  for (const message of messages) {
    if (message.role !== "system" && !byText.has(message.content)) byText.set(message.content, message);
  }
  return [...byText].map(([text, message]) => ({ text, scope, message }));
}

function sentencesOf(content: string): readonly string[] {
  return content
    .split(/(?<=[.!?])\s+|\n+/)
    .map((sentence) => sentence.trim().replaceAll(/\s+/g, " "))
    .filter((sentence) => /[\p{L}\p{N}]/u.test(sentence) && !sentence.endsWith("?"));
}

/** What two near duplicates have in common: their letters and digits in lower case. */
export function essenceOf(text: string): string {
  return wordsOf(text).join(" ");
}

/** The words of a text in lower case. */
export function wordsOf(text: string): readonly string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
}

/** What changes nothing in what is asked: when, how much, and whether it is denied. */
const beside = new RegExp(
  String.raw`\b(?:now|currently|recently|just|really|actually|any ?more|no longer|never|not` +
    String.raw`|(?:do|does|did)(?: not| no longer)?|(?:don|doesn|didn|isn|aren) t)\b`,
  "g",
);

/** Sentences that have one answer only; the first group is of whom it is said. */
const oneAnswerOnly: readonly (readonly [RegExp, string])[] = [
  [
    /^(.*?) ?\b(?:(?:(?:am|m|is|s) )?(?:living|based) in|lived? in|lives in|(?:(?:have|has|ve|s) )?moved (?:from .* )?to) \S/,
    "lives in",
  ],
  [/^(.*?) ?\b(?:(?:am|m|is|s) )?(?:works?|worked|working) (?:at|for) \S/, "works at"],
  [/^(.*?) ?\b(?:(?:am|m|is|s) )?(?:works?|worked|working) as \S/, "works as"],
  [/^(.*?) ?\b(?:am|m|is|s) \d+ years? old\b/, "is old"],
  [/^(.*?\b(?:name|age|birthday|e ?mail(?: address)?|phone number|favou?rite(?: \w+){1,2})) is \S/, "is"],
];

const liking = /^(.*?) ?\b(?:likes?|loves?|enjoys?|hates?|dislikes?) (\S.*)$/;

/**
 * What the text answers when there can be one answer only ("User lives in Austin": where the user lives; "User hates
 * tea": whether the user likes tea); null for any other text. Two texts of one scope that answer the same contradict
 * each other: the newer one replaces the older.
 */
export function questionOf(text: string): string | null {
  const plain = essenceOf(text).replace(beside, " ").replaceAll(/ +/g, " ").trim();
  for (const [pattern, asked] of oneAnswerOnly) {
    const whose = pattern.exec(plain)?.[1];
    if (whose !== undefined) return `${whose.replaceAll("favourite", "favorite")} ${asked}`;
  }
  const [, whose, what] = liking.exec(plain) ?? [];
  return whose === undefined || what === undefined ? null : `${whose} likes ${what}`;
}
