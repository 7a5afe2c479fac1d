import { decodeFields, encodeFieldMap } from '../../wire/backend';
import { CellOut } from '../cellOut';
import { Content } from './content';
import type { DetectingRule } from './rules';

/** Fields of an ErrorResponse or NoticeResponse that are words: message, detail, hint, context, internal query. */
const WORDS = ['M', 'D', 'H', 'W', 'q'];
const HIDDEN = '***';

/** What enforced rules make of a server's own words: the spans found are masked, and all of it where it should be NULL or is too much. */
export function maskWords(words: string, rules: readonly DetectingRule[], hashKey: Buffer): string {
  return masker(rules, hashKey)(words);
}

/** An ErrorResponse or NoticeResponse with its words masked; the bytes themselves when nothing was found. */
export function maskFields(type: number, bytes: Buffer, rules: readonly DetectingRule[], hashKey: Buffer): Buffer {
  const mask = masker(rules, hashKey);
  const fields = decodeFields(bytes);
  let changed = false;
  for (const code of WORDS) {
    const words = fields.get(code);
    if (words === undefined) continue;
    const masked = mask(words);
    changed ||= masked !== words;
    fields.set(code, masked);
  }
  return changed ? encodeFieldMap(type, fields) : bytes;
}

function masker(rules: readonly DetectingRule[], hashKey: Buffer): (words: string) => string {
  const enforced = rules.filter((rule) => rule.mode === 'enforce');
  if (enforced.length === 0) return (words) => words;
  const content = new Content(enforced, hashKey);
  const out = new CellOut(256);
  return (words) => {
    const bytes = Buffer.from(words);
    content.beginCell();
    out.length = 0;
    const outcome = content.text(bytes, 0, bytes.length, out);
    if (outcome === 'unchanged') return words;
    return outcome === 'changed' ? out.bytes.toString('utf8', 0, out.length) : HIDDEN;
  };
}
