/** The schemas of a search_path as a session has set it; `"$user"` is the role. Null where it is not written as PostgreSQL writes it. Pure. */
export function schemasOf(searchPath: string, role: string): string[] | null {
  const schemas: string[] = [];
  let rest = searchPath.trim();
  while (rest !== '') {
    const item = /^(?:"((?:[^"]|"")+)"|([a-z_\u0080-\uffff][\w$\u0080-\uffff]*))\s*(?:,\s*|$)/i.exec(rest);
    if (item === null) return null;
    const name = item[1]?.replaceAll('""', '"') ?? item[2]?.toLowerCase() ?? '';
    schemas.push(name === '$user' ? role : name);
    rest = rest.slice(item[0].length);
  }
  return schemas;
}
