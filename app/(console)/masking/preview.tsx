'use client';
import { useQuery } from '@tanstack/react-query';
import { Columns3, EyeOff, FlaskConical } from 'lucide-react';
import { useState } from 'react';
import { useTRPC } from '../../data/trpc';
import type { MaskingPreview, MaskingRow } from '../../data/types';
import { MaskingRuleLink } from '../../statement/maskedColumn';
import { Badge } from '../../ui/badge';
import { Field, Select } from '../../ui/field';
import { Sheet } from '../../ui/sheet';
import { Empty, ErrorState, SkeletonRows } from '../../ui/states';
import { Table, Td, Th, Tr } from '../../ui/table';

/** Everything one rule covers on a connection: what it names, and what the database repeats or computes from that. */
export function MaskingPreviewSheet({ rule, onClose }: { rule: MaskingRow; onClose: () => void }) {
  const trpc = useTRPC();
  const connections = useQuery(trpc.connections.list.queryOptions());
  const [chosen, setChosen] = useState('');
  // A rule for one connection is looked at there first.
  const names = connections.data?.map((one) => one.name) ?? [];
  const connection = chosen || names.find((name) => rule.connections.includes(name)) || names[0] || '';
  const preview = useQuery(trpc.masking.preview.queryOptions({ connection, rule: rule.name }, { enabled: connection !== '' }));
  return (
    <Sheet
      open
      wide
      onClose={onClose}
      title={`What ${rule.name} covers`}
      description="For somebody in no exempt group, by the code that traffic runs: the columns the rule names, and those that the database repeats or computes from them."
    >
      <div className="grid min-w-0 gap-4">
        <Field label="Connection">
          <Select value={connection} onChange={(event) => setChosen(event.target.value)}>
            {names.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </Select>
        </Field>
        {preview.error ? (
          <ErrorState
            compact
            what={`The columns of ${connection} could not be read`}
            error={preview.error}
            effect="Masking itself is not affected."
            onRetry={() => void preview.refetch()}
          />
        ) : null}
        {preview.isPending && connection !== '' ? <SkeletonRows label="Loading covered columns" /> : null}
        {preview.data ? <Covered preview={preview.data} /> : null}
      </div>
    </Sheet>
  );
}

function Covered({ preview: { rule, connection, mode, applies, columns } }: { preview: MaskingPreview }) {
  if (columns.length === 0)
    return (
      <Empty icon={Columns3} title={applies ? 'No column has such a name' : `${rule} does not speak of ${connection}`}>
        {applies ? `Nothing of ${connection} is masked by this rule.` : null}
      </Empty>
    );
  const named = columns.filter((column) => column.named).length;
  return (
    <>
      <p className="flex flex-wrap items-center gap-2 text-sm" role="status">
        {mode === 'enforce' ? null : (
          <Badge tone="accent">
            <FlaskConical aria-hidden />
            {mode === 'observe' ? 'Observe only' : 'Off'}: would be masked
          </Badge>
        )}
        <Badge tone="mask">
          <EyeOff aria-hidden />
          {named} named
        </Badge>
        <Badge tone="outline">{columns.length - named} derived from them</Badge>
      </p>
      <div className="min-w-0 rounded-lg border">
        <Table label="Covered columns" className="table-fixed">
          <thead>
            <tr>
              <Th className="w-[52%]">Column</Th>
              <Th>{mode === 'enforce' ? 'Because' : 'Would be masked because'}</Th>
            </tr>
          </thead>
          <tbody>
            {columns.map((column) => (
              <Tr key={column.column}>
                <Td className="align-top">
                  <span className="grid justify-items-start gap-1.5">
                    <span className="min-w-0 break-all">
                      <code className="font-mono text-xs font-semibold">{column.column}</code>{' '}
                      <span className="text-xs text-ink-3">{column.type}</span>
                    </span>
                    <Badge tone="mask" className="h-auto min-h-5.5 whitespace-normal py-0.5">
                      <EyeOff aria-hidden />
                      {column.leaves}
                    </Badge>
                  </span>
                </Td>
                <Td className="break-words align-top text-xs text-ink-2">
                  {column.because}
                  {column.stricter === null ? null : (
                    <span className="mt-1 block text-ink-3">
                      <MaskingRuleLink name={column.stricter} /> is stricter and decides
                    </span>
                  )}
                </Td>
              </Tr>
            ))}
          </tbody>
        </Table>
      </div>
    </>
  );
}
