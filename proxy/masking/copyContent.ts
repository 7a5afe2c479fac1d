import type { CatalogSnapshot } from '../catalog/types';
import { UnresolvedError } from '../lineage/scope';
import { lineageOf } from '../lineage/statement';
import { flag, type SqlNode, text } from '../sql/tree';
import { copyOptionsOf } from './copy/options';
import { copyMaskProblem } from './copyOut';
import type { ExpectedOutput, Touch } from './types';

/** COPY sends rows to the client: not to a file or a program of the server. */
export const isCopyToClient = (node: SqlNode): boolean =>
  node.tag === 'CopyStmt' && !flag(node, 'is_from') && !flag(node, 'is_program') && text(node, 'filename') === null;

/**
 * A clean COPY … TO STDOUT whose rows are looked into: COPY describes no types, so its columns and the way it writes them have to be known from
 * the statement. `resolved` without a masked column when they are, else `unresolved`. What is not clean has been followed already.
 */
export function contentTouch(node: SqlNode, touch: Touch, catalog: CatalogSnapshot, searchPath: readonly string[] | null): Touch {
  if (touch.state !== 'clean') return touch;
  const options = copyOptionsOf(node);
  if (options.state === 'unknown') return unresolved(options.problem);
  let outputs: ExpectedOutput[];
  try {
    outputs = lineageOf(node, catalog, searchPath).columns.map(({ name, value }) => {
      return { name, typeOid: value.typeOid, mask: null, origins: new Set(value.sources.keys()) };
    });
  } catch (error) {
    if (!(error instanceof UnresolvedError)) throw error;
    return { ...unresolved(`Its columns are not known: ${error.reason}.`), unfollowed: true };
  }
  const problem = copyMaskProblem(
    options.options,
    outputs.map(() => () => false),
  );
  return problem === null ? { state: 'resolved', columns: [], outputs, copy: options.options } : unresolved(problem);
}

const unresolved = (problem: string): Extract<Touch, { state: 'unresolved' }> => {
  return { state: 'unresolved', reason: `a masking rule looks into the content of its rows. ${problem}`, columns: [] };
};
