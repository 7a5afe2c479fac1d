import { functionByOid } from '../catalog/byOid';
import type { CatalogSnapshot } from '../catalog/types';

/**
 * The statement a FunctionCall message amounts to: the SELECT of the function its OID names, with a parameter for each argument.
 * Null when the catalog has no such function.
 */
export function functionCallText(catalog: CatalogSnapshot, oid: number, argumentCount: number): string | null {
  const called = functionByOid(catalog, oid);
  if (called === undefined) return null;
  const parameters = Array.from({ length: argumentCount }, (_, i) => `$${i + 1}`).join(', ');
  return `SELECT ${quote(called.schema)}.${quote(called.name)}(${parameters})`;
}

function quote(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}
