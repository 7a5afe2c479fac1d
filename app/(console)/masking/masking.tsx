'use client';
import { useQuery } from '@tanstack/react-query';
import { EyeOff, Pencil, Plus, Waypoints } from 'lucide-react';
import { parseAsString, useQueryStates } from 'nuqs';
import { useState } from 'react';
import { useIsAdmin } from '../../data/me';
import { useTRPC } from '../../data/trpc';
import type { MaskingRow } from '../../data/types';
import { Badge } from '../../ui/badge';
import { Button } from '../../ui/button';
import { Card } from '../../ui/card';
import { cx } from '../../ui/classes';
import { Page } from '../../ui/frame';
import { Empty, ErrorState, SkeletonRows } from '../../ui/states';
import { Columns } from './columns';
import { MaskingEditor } from './editor';
import { formForColumn, formOf, type MaskingForm, maskText } from './form';
import { MaskingPreviewSheet } from './preview';

type Editing = { rule: MaskingRow | null; start: MaskingForm; columnType: string | null } | null;

export function Masking() {
  const trpc = useTRPC();
  const isAdmin = useIsAdmin();
  const [editing, setEditing] = useState<Editing>(null);
  const [state, setState] = useQueryStates({ rule: parseAsString, preview: parseAsString });
  const rules = useQuery(trpc.masking.list.queryOptions());
  const previewed = rules.data?.find((row) => row.name === state.preview) ?? null;
  return (
    <Page
      wide
      title="Masking"
      about="Columns that leave the gateway masked, by where they come from. Where several rules apply, the strictest wins."
      actions={
        isAdmin ? (
          <Button look="primary" onClick={() => setEditing({ rule: null, start: formOf(null), columnType: null })}>
            <Plus aria-hidden />
            Add masking rule
          </Button>
        ) : null
      }
    >
      <div className="grid items-start gap-6 xl:grid-cols-[minmax(0,1fr)_28rem]">
        <Card>
          {rules.error && !rules.data ? (
            <ErrorState
              what="The masking rules could not be loaded"
              error={rules.error}
              effect="They stay in force."
              onRetry={() => void rules.refetch()}
            />
          ) : null}
          {rules.isPending ? <SkeletonRows label="Loading masking rules" /> : null}
          {rules.data?.length === 0 ? (
            <Empty icon={EyeOff} title="Nothing is masked">
              Choose a column on this page, or add a rule.
            </Empty>
          ) : null}
          <ul className="divide-y">
            {rules.data?.map((row) => (
              <li
                key={row.id}
                aria-current={row.name === state.rule ? 'true' : undefined}
                className={cx(
                  'flex flex-wrap items-start gap-x-4 gap-y-2 px-4 py-3.5 sm:px-5',
                  row.name === state.rule && 'bg-accent-soft',
                  row.mode === 'off' && 'text-ink-3',
                )}
              >
                <div className="min-w-0 flex-1 basis-60">
                  <h2 className="flex flex-wrap items-center gap-2">
                    <span className="font-mono text-[0.8125rem] font-semibold">{row.name}</span>
                    <Badge tone="mask">
                      <EyeOff aria-hidden />
                      {row.mask.type}
                    </Badge>
                    {row.mode === 'enforce' ? null : (
                      <Badge tone={row.mode === 'observe' ? 'accent' : 'neutral'}>{row.mode === 'observe' ? 'Observe only' : 'Off'}</Badge>
                    )}
                  </h2>
                  <p className="mt-1 flex flex-wrap gap-1.5">
                    {row.columns.map((column) => (
                      <code key={column} className="break-all rounded bg-sunken px-1.5 py-0.5 font-mono text-xs">
                        {column}
                      </code>
                    ))}
                    {row.detect.map((detector) => (
                      <Badge key={detector} tone="outline">
                        looks like {detector.replace('_', ' ')}
                      </Badge>
                    ))}
                  </p>
                  <p className="mt-1.5 flex flex-wrap gap-x-3 gap-y-1 text-xs text-ink-3">
                    <span>{maskText(row.mask)}</span>
                    <span>
                      {row.connections.length === 0 || row.connections.includes('*') ? 'all connections' : row.connections.join(', ')}
                    </span>
                    <span>in conditions: {row.inference}</span>
                    {row.exceptGroups.length > 0 ? <span>not for {row.exceptGroups.join(', ')}</span> : null}
                  </p>
                </div>
                <Button size="sm" onClick={() => void setState({ preview: row.name })} aria-label={`What ${row.name} covers`}>
                  <Waypoints aria-hidden />
                  Covers
                </Button>
                {isAdmin ? (
                  <Button
                    size="sm"
                    onClick={() => setEditing({ rule: row, start: formOf(row), columnType: null })}
                    aria-label={`Edit ${row.name}`}
                  >
                    <Pencil aria-hidden />
                    Edit
                  </Button>
                ) : null}
              </li>
            ))}
          </ul>
        </Card>
        <Columns
          {...(isAdmin
            ? {
                onAdd: (connection: string, column: string, type: string) =>
                  setEditing({ rule: null, start: formForColumn(connection, column, type), columnType: type }),
              }
            : {})}
        />
      </div>
      {previewed ? <MaskingPreviewSheet key={previewed.id} rule={previewed} onClose={() => void setState({ preview: null })} /> : null}
      {editing ? <MaskingEditor key={editing.rule?.id ?? editing.start.name} {...editing} onClose={() => setEditing(null)} /> : null}
    </Page>
  );
}
