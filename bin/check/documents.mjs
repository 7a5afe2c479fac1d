const ROOTS = 'app|server|proxy|db|e2e|bench|docs|deploy|bin';
const PATH = new RegExp(`(?<![\\w./@-])(?:${ROOTS})/[\\w./\\[\\]()@*-]*`, 'g');

/**
 * The repository paths a document names, each with its line: anything that begins with a room and a slash.
 * A path with `*` names its folder. Words like `app/server` that are no path do not belong in a document about files.
 * @param {string} markdown
 * @returns {{ path: string, line: number }[]}
 */
export function pathsNamed(markdown) {
  const found = [];
  for (const [index, raw] of markdown.split('\n').entries()) {
    // A link names its target once; the words in front of it may be the same path.
    const text = raw.replaceAll('](', ' ').replace(/^\[|(?<=\s)!?\[/g, ' ');
    for (const match of text.matchAll(PATH)) {
      let path = match[0];
      const star = path.indexOf('*');
      if (star >= 0) path = path.slice(0, path.lastIndexOf('/', star) + 1);
      path = path.replace(/[.)\]-]+$/, (tail) => (balanced(path) ? tail.replace(/[.-]+$/, '') : ''));
      found.push({ path: path.replace(/\/$/, ''), line: index + 1 });
    }
  }
  return found;
}

/** Whether brackets pair up, so that `app/[id]/page.tsx` keeps its own and `(see proxy/wire)` loses the sentence's. */
function balanced(/** @type {string} */ path) {
  const count = (/** @type {string} */ c) => path.split(c).length;
  return count('(') === count(')') && count('[') === count(']');
}

/**
 * @param {string} name  the document
 * @param {string} markdown
 * @param {(path: string) => boolean} exists
 * @returns {string[]}
 */
export function documentFaults(name, markdown, exists) {
  return pathsNamed(markdown)
    .filter(({ path }) => !exists(path))
    .map(({ path, line }) => `${name}:${line} names ${path}, which does not exist`);
}
