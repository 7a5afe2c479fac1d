/** `${NAME}` is replaced by the environment's value; `$${NAME}` stands for the text `${NAME}` itself. */
const REFERENCE = /\$?\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g;

/** Replaces the references of one text. `missing` names those that the environment lacks; values never appear in it. */
export function expandReferences(text: string, env: Readonly<Record<string, string | undefined>>): { text: string; missing: string[] } {
  const missing: string[] = [];
  const expanded = text.replace(REFERENCE, (whole, name: string) => {
    if (whole.startsWith('$$')) return whole.slice(1);
    const value = env[name];
    if (value === undefined) missing.push(name);
    return value ?? '';
  });
  return { text: expanded, missing };
}

/** The names a document asks of the environment, so that the CLI sends those and nothing else. */
export function referencedNames(text: string): string[] {
  const names = new Set<string>();
  for (const [whole, name] of text.matchAll(REFERENCE)) if (name !== undefined && !whole.startsWith('$$')) names.add(name);
  return [...names];
}

/** Writes a text so that {@link expandReferences} gives it back. */
export const escapeReferences = (text: string): string => text.replace(/\$\{(?=[A-Za-z_][A-Za-z0-9_]*\})/g, '$$${');
