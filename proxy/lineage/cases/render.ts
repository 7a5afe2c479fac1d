import type { CatalogSnapshot } from '../../catalog/types';
import type { StatementLineage } from '../statement';
import type { Source, Value } from '../value';

/**
 * One line of a table: the statement; its output columns as `name<relation.column:derivation …>`; what it uses besides, as
 * `kind relation.column … [construct]`; what it writes, as `relation.column<…>`, and what it stores under a new name, as `stored<…>`.
 * `!! reason` in place of the columns: refused. `@a,b ` in front of a statement is the search_path it is judged with, `@? ` says that it is not known; it is `public` otherwise.
 */
export type LineageCase = readonly [sql: string, columns: string, uses?: string, writes?: string];

/** The notation of the cases: relations of schema public without it, `relation.*` for all columns of a relation alike. */
export function render(lineage: StatementLineage, catalog: CatalogSnapshot): { columns: string; uses: string; writes: string } {
  const valued = (name: string, value: Value): string => (value.sources.size === 0 ? name : `${name}<${shown(value, catalog, true)}>`);
  const uses = lineage.uses.map((use) => {
    const construct = use.constants > 1 ? `${use.construct} of ${use.constants}` : use.construct;
    return `${use.kind} ${shown(use.value, catalog, false)} [${construct}]`;
  });
  const written = lineage.writes.map((write) => valued(`${write.relationName}.${write.column ?? '?'}`, write.value));
  return {
    columns: lineage.columns.map(({ name, value }) => valued(name, value)).join(', '),
    uses: [...new Set(uses)].sort().join('; '),
    writes: [...written, ...lineage.stored.map((value) => valued('stored', value))].join(', '),
  };
}

function shown(value: Value, catalog: CatalogSnapshot, derivations: boolean): string {
  const groups = new Map<string, Source[]>();
  for (const source of value.sources.values()) {
    const key = `${source.relationOid} ${derivations ? source.derivation : ''}`;
    groups.set(key, [...(groups.get(key) ?? []), source]);
  }
  return [...groups.values()]
    .flatMap((sources) => {
      const relation = catalog.relations.get(sources[0]?.relationOid ?? 0);
      if (relation === undefined) throw new Error('a source that is not in the catalog');
      const prefix = relation.schema === 'public' ? relation.name : `${relation.schema}.${relation.name}`;
      const suffix = derivations ? `:${sources[0]?.derivation.replace(' ', '-')}` : '';
      if (sources.length > 2 && sources.length === relation.columns.length) return [`${prefix}.*${suffix}`];
      return sources.map(({ number }) => `${prefix}.${relation.columns.find((column) => column.number === number)?.name}${suffix}`);
    })
    .sort()
    .join(' ');
}
