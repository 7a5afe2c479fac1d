'use client';
import { useQuery } from '@tanstack/react-query';
import { ChevronRight, Columns3, EyeOff, Plus, TriangleAlert } from 'lucide-react';
import { useState } from 'react';
import { useTRPC } from '../../data/trpc';
import type { SchemaColumn } from '../../data/types';
import { Badge } from '../../ui/badge';
import { Button } from '../../ui/button';
import { Card } from '../../ui/card';
import { Check, Field, Select } from '../../ui/field';
import { Empty, ErrorState, SkeletonRows } from '../../ui/states';

type Add = (connection: string, column: string, type: string) => void;

/** The schema as a tree: what is masked, what looks sensitive and is not, and one click from there to a rule. */
export function Columns({ onAdd }: { onAdd?: Add }) {
  const trpc = useTRPC();
  const connections = useQuery(trpc.connections.list.queryOptions());
  const [chosen, setChosen] = useState('');
  const [onlyOpen, setOnlyOpen] = useState(false);
  const connection = chosen || connections.data?.[0]?.name || '';
  const columns = useQuery(trpc.masking.columns.queryOptions({ connection }, { enabled: connection !== '', staleTime: 60_000 }));
  const all = columns.data ?? [];
  const uncovered = all.filter((column) => column.sensitive && column.coveredBy === null);
  const covered = all.filter((column) => column.coveredBy !== null);
  const tables = groupByTable(onlyOpen ? uncovered : all);
  return (
    <Card className="min-w-0">
      <div className="grid gap-3 border-b p-4 sm:p-5">
        <h2 className="text-base font-semibold tracking-tight">Coverage</h2>
        <Field label="Connection">
          <Select value={connection} onChange={(event) => setChosen(event.target.value)}>
            {connections.data?.map((one) => (
              <option key={one.id}>{one.name}</option>
            ))}
          </Select>
        </Field>
        {columns.data ? (
          <p className="flex flex-wrap items-center gap-2 text-sm" role="status">
            <Badge tone="mask">
              <EyeOff aria-hidden />
              {covered.length} masked
            </Badge>
            <Badge tone={uncovered.length > 0 ? 'hold' : 'neutral'}>
              <TriangleAlert aria-hidden />
              {uncovered.length} look sensitive and are not
            </Badge>
          </p>
        ) : null}
        <Check
          label="Only those that look sensitive and are not masked"
          checked={onlyOpen}
          onChange={(event) => setOnlyOpen(event.target.checked)}
        />
      </div>
      {columns.error ? (
        <ErrorState
          what={`The columns of ${connection} could not be read`}
          error={columns.error}
          effect="Masking itself is not affected."
          onRetry={() => void columns.refetch()}
        />
      ) : null}
      {columns.isPending && connection !== '' ? <SkeletonRows label="Loading columns" /> : null}
      {columns.data && tables.size === 0 ? (
        <Empty icon={Columns3} title={onlyOpen ? 'Every sensitive-looking column is masked' : 'No table is visible'} />
      ) : null}
      <ul className="divide-y">
        {[...tables].map(([table, own]) => (
          <Table
            key={table}
            table={table}
            columns={own}
            {...(onAdd ? { add: (column: SchemaColumn) => onAdd(connection, column.column, column.type) } : {})}
          />
        ))}
      </ul>
    </Card>
  );
}

function Table({ table, columns, add }: { table: string; columns: readonly SchemaColumn[]; add?: (column: SchemaColumn) => void }) {
  const open = columns.filter((column) => column.sensitive && column.coveredBy === null).length;
  const masked = columns.filter((column) => column.coveredBy !== null).length;
  return (
    <li>
      <details className="group" open={open > 0 || masked > 0}>
        <summary className="flex min-h-11 list-none items-center gap-2 px-4 text-sm -outline-offset-2 hover:bg-hover sm:px-5">
          <ChevronRight className="size-4 shrink-0 text-ink-3 transition-transform group-open:rotate-90" aria-hidden />
          <code className="min-w-0 flex-1 truncate font-mono text-xs font-semibold">{table}</code>
          <span className="text-xs text-ink-3">{columns.length} columns</span>
        </summary>
        <ul className="pb-2">
          {columns.map((column) => (
            <li key={column.column} className="flex min-h-9 items-center gap-2 py-0.5 pl-10 pr-4 text-sm sm:pr-5">
              <span className="grid min-w-0">
                <span className="flex min-w-0 items-baseline gap-2">
                  <code className="min-w-0 truncate font-mono text-xs">{column.name}</code>
                  <span className="truncate text-xs text-ink-3">{column.type}</span>
                </span>
                {column.because === null ? null : <span className="break-words text-xs text-ink-3">{column.because}</span>}
              </span>
              <span className="ml-auto flex shrink-0 items-center gap-1.5">
                {column.coveredBy !== null ? (
                  <Badge tone="mask" title={`masked by ${column.coveredBy}`}>
                    <EyeOff aria-hidden />
                    {column.coveredBy}
                  </Badge>
                ) : (
                  <>
                    {column.sensitive ? (
                      <Badge tone="hold">
                        <TriangleAlert aria-hidden />
                        looks sensitive
                      </Badge>
                    ) : null}
                    {add ? (
                      <Button
                        size="sm"
                        look={column.sensitive ? 'secondary' : 'ghost'}
                        className="h-7 px-2 text-xs"
                        onClick={() => add(column)}
                        aria-label={`Mask ${column.column}`}
                      >
                        <Plus aria-hidden />
                        Mask
                      </Button>
                    ) : null}
                  </>
                )}
              </span>
            </li>
          ))}
        </ul>
      </details>
    </li>
  );
}

function groupByTable(columns: readonly SchemaColumn[]): Map<string, SchemaColumn[]> {
  const tables = new Map<string, SchemaColumn[]>();
  for (const column of columns) {
    const table = `${column.schema}.${column.table}`;
    tables.set(table, [...(tables.get(table) ?? []), column]);
  }
  return tables;
}
