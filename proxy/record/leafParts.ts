import type { Fields } from './leaf';
import { STATEMENT_PARTS, type StatementPart } from './leafText';

/** A statement's leaf by the parts of its text: what many statements have the same is one object. */
export interface StatementParts extends Readonly<Record<StatementPart, Fields>> {
  /** It commits to values, and among them to the reason of somebody who broke the glass. */
  hasValues: boolean;
  brokeGlass: boolean;
}

// Names of a leaf in canonical JSON, in its order, each the first of its part. A quote within a string is escaped: none of them is in one.
const ENTRY = ',"entry":';
const STATEMENT = `${ENTRY}{"type":"statement"`;
const OUTCOME = `${ENTRY}{"type":"outcome",`;
const ID = ',"id":"';
const WHO = ',"sessionId":';
const WHEN = ',"atMs":';
const WHAT = ',"kind":';
const HOW = ',"protocol":';
const OWN = ',"analysisMs":';
const TAIL = ',"transactionStatus":';
const VALUES = '},"values":{';
const BROKE_GLASS = '"breakGlass":';
const END = '}}';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Without ids of other runs and of transactions, which are hardly ever the same. */
const MOST_TAIL = 64;
/** Enough for the names that stand before a session's id or a fingerprint, and for these. */
const KEY_CHARS = 120;
/** Keys that are known, and texts of each. */
const MOST_KNOWN = 5_000;
const MOST_ALIKE = 8;
/** What is longer is not worth the room. */
const MOST_CHARS = 4_096;

/**
 * Reads leaves of statements, of which most share most of their text: a part that is known is not parsed again. A leaf that is not as
 * leafText.ts writes it reads as null, and is for JSON.parse. It takes the leaf, and its text.
 */
export function createPartsReader(): (text: string, leaf: Buffer) => StatementParts | null {
  const who = new KnownParts('who');
  const what = new KnownParts('what');
  const how = new KnownParts('how');
  const tails = new KnownParts('own');
  return (text, leaf) => {
    const beginAt = text.indexOf(STATEMENT);
    if (beginAt < 0) return null;
    const idAt = beginAt + STATEMENT.length;
    const whoAt = text.indexOf(WHO, idAt);
    const whenAt = text.indexOf(WHEN, whoAt);
    const whatAt = text.indexOf(WHAT, whenAt);
    const howAt = text.indexOf(HOW, whatAt);
    const ownAt = text.indexOf(OWN, howAt);
    if (whoAt < idAt || whenAt < whoAt || whatAt < whenAt || howAt < whatAt || ownAt < howAt) return null;
    const valuesAt = text.indexOf(VALUES, ownAt);
    const end = valuesAt < 0 ? text.length - END.length : valuesAt;
    try {
      return {
        own:
          ownOf(tails, leaf, text, { idAt, whoAt, whenAt, whatAt, ownAt, end }) ??
          fieldsOf('own', text.slice(idAt, whoAt) + text.slice(whenAt, whatAt) + text.slice(ownAt, end)),
        who: who.of(text.slice(whoAt, whenAt)),
        what: what.of(text.slice(whatAt, howAt)),
        how: how.of(text.slice(howAt, ownAt)),
        hasValues: valuesAt >= 0,
        brokeGlass: valuesAt >= 0 && text.includes(BROKE_GLASS, valuesAt),
      };
    } catch {
      return null;
    }
  };
}

/** The entry of an outcome's leaf, as leafText.ts writes it: nothing stands behind it. Null for another leaf. */
export function outcomeIn(text: string): Fields | null {
  const at = text.indexOf(OUTCOME);
  if (at < 0) return null;
  try {
    return JSON.parse(text.slice(at + ENTRY.length, -1)) as Fields;
  } catch {
    return null;
  }
}

interface Places {
  idAt: number;
  whoAt: number;
  whenAt: number;
  whatAt: number;
  ownAt: number;
  end: number;
}

/** What a run has of its own, as most runs have it: without parsing. Null for others. */
function ownOf(tails: KnownParts, leaf: Buffer, text: string, { idAt, whoAt, whenAt, whatAt, ownAt, end }: Places): Fields | null {
  const [from, to] = [idAt + ID.length, whoAt - 1];
  const tailAt = text.indexOf(TAIL, ownAt);
  // A character of it is a byte of the leaf.
  if (text.length !== leaf.length || !text.startsWith(ID, idAt) || tailAt < 0 || end - tailAt > MOST_TAIL) return null;
  for (let at = from; at < to; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE || code === BACKSLASH) return null;
  }
  const atMs = Number(text.slice(whenAt + WHEN.length, whatAt));
  const analysisMs = Number(text.slice(ownAt + OWN.length, tailAt));
  if (!Number.isFinite(atMs) || !Number.isFinite(analysisMs)) return null;
  const { transactionStatus, runOf, transactionId } = tails.of(text.slice(tailAt, end));
  // A slice of the text would keep all of it.
  return { id: leaf.toString('latin1', from, to), atMs, analysisMs, transactionStatus, runOf, transactionId };
}

class KnownParts {
  readonly #known = new Map<number, { text: string; fields: Fields }[]>();

  constructor(private readonly part: StatementPart) {}

  of(text: string): Fields {
    const key = keyOf(text);
    const alike = this.#known.get(key);
    if (alike !== undefined) for (const one of alike) if (one.text === text) return one.fields;
    const fields = fieldsOf(this.part, text);
    if (text.length <= MOST_CHARS) this.#remember(key, text, fields, alike);
    return fields;
  }

  #remember(key: number, text: string, fields: Fields, alike: { text: string; fields: Fields }[] | undefined): void {
    // A copy: a slice would keep its whole leaf.
    const one = { text: Buffer.from(text).toString(), fields };
    if (alike !== undefined) {
      if (alike.push(one) > MOST_ALIKE) alike.shift();
      return;
    }
    if (this.#known.size >= MOST_KNOWN) this.#known.clear();
    this.#known.set(key, [one]);
  }
}

/** Of its first characters and its length: hashing all of a text costs more than comparing it with another. */
function keyOf(text: string): number {
  const end = Math.min(text.length, KEY_CHARS);
  let key = text.length;
  for (let at = 0; at < end; at++) key = (Math.imul(key, 31) + text.charCodeAt(at)) | 0;
  return key;
}

const NAMES: Readonly<Record<StatementPart, ReadonlySet<string>>> = {
  own: new Set(STATEMENT_PARTS.own),
  who: new Set(STATEMENT_PARTS.who),
  what: new Set(STATEMENT_PARTS.what),
  how: new Set(STATEMENT_PARTS.how),
};

/** Fields of a part, whose text begins with a comma. @throws Error where it is no JSON by itself, or has a field of another part */
function fieldsOf(part: StatementPart, text: string): Fields {
  const fields = JSON.parse(`{${text.slice(1)}}`) as Fields;
  for (const name in fields) if (!NAMES[part].has(name)) throw new Error(`${name} is no field of this part`);
  return fields;
}
