import type { CatalogSnapshot, FunctionInfo } from '../catalog/types';
import { qualifiedName } from '../sql/session';
import { list, type SqlNode, walk } from '../sql/tree';
import { bodyOf } from './body';

/**
 * The statements in the bodies of the SQL functions that a tree calls, and of those that they call. Each function once; of a name with
 * several functions, all.
 */
export function calledBodies(root: SqlNode, catalog: Pick<CatalogSnapshot, 'functions'>): readonly SqlNode[] {
  const called = new Set<FunctionInfo>();
  const trees = [root];
  for (const tree of trees) {
    walk(tree, (node) => {
      if (node.tag !== 'FuncCall') return;
      const { schema, name } = qualifiedName(list(node, 'funcname'));
      for (const item of catalog.functions.get(name) ?? []) {
        if (called.has(item) || (schema !== null && item.schema !== schema)) continue;
        called.add(item);
        for (const statement of bodyOf(item) ?? []) trees.push(statement.node);
      }
    });
  }
  return trees.slice(1);
}
