/** A part of a text that is replaced: UTF-16 offsets in the text as it was. */
export interface Edit {
  start: number;
  end: number;
  text: string;
}

/** A text as it goes to the server, and what it was. `edits` stand in order and do not overlap. */
export interface Spliced {
  original: string;
  edits: readonly Edit[];
  text: string;
}

/** @throws RangeError when two edits overlap */
export function splice(original: string, edits: readonly Edit[]): Spliced {
  const ordered = [...edits].sort((a, b) => a.start - b.start);
  let text = '';
  let at = 0;
  for (const edit of ordered) {
    if (edit.start < at || edit.end < edit.start || edit.end > original.length) throw new RangeError('edits of a text overlap');
    text += original.slice(at, edit.start) + edit.text;
    at = edit.end;
  }
  return { original, edits: ordered, text: text + original.slice(at) };
}

/**
 * A position in the text that was sent, as ErrorResponse field P counts (characters from 1), in the text the client knows. What stands
 * inside a replacement is where the replaced part began.
 */
export function originalPosition({ original, edits }: Spliced, position: number): number {
  let left = position - 1;
  let characters = 0;
  let at = 0;
  for (const edit of edits) {
    const kept = countCharacters(original.slice(at, edit.start));
    if (left < kept) break;
    left -= kept;
    characters += kept;
    const added = countCharacters(edit.text);
    if (left < added) return characters + 1;
    left -= added;
    characters += countCharacters(original.slice(edit.start, edit.end));
    at = edit.end;
  }
  return characters + left + 1;
}

/** Code points; a position the server gives counts those. */
function countCharacters(text: string): number {
  let count = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 0xdc00 && unit <= 0xdfff) count--;
  }
  return count;
}
