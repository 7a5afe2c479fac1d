import { Ban, EyeOff, FlaskConical } from 'lucide-react';
import type { Measured, RowSample, SampledRow } from '../../../db/schema/shapes';
import type { RequestDetail } from '../../data/types';
import { Badge } from '../../ui/badge';
import { sentence } from '../../ui/states';
import { Table, Td, Th, Tr } from '../../ui/table';
import { durationText, Time } from '../../ui/time';
import { TableRowsBars } from './tableRows';

/** What a dry run came to. */
export function MeasuredView({ request, measured }: { request: RequestDetail; measured: Measured }) {
  if (measured.kind !== 'measured')
    return (
      <div className="flex items-start gap-2.5 rounded-lg bg-hold-soft px-3 py-2.5 text-sm">
        <Ban className="mt-0.5 size-4 shrink-0 text-hold" aria-hidden />
        <div>
          <p className="font-medium text-hold">{measured.kind === 'refused' ? 'Not measured' : 'The trial failed, and was rolled back'}</p>
          {measured.why.map((why) => (
            <p key={why}>{sentence(why)}</p>
          ))}
        </div>
      </div>
    );
  const { rows, tables, triggers, samples, notes } = measured;
  return (
    <div className="grid gap-4 rounded-xl border bg-surface p-3.5">
      <div className="grid gap-1">
        <p className="flex flex-wrap items-center gap-2 text-sm">
          <FlaskConical className="size-4 shrink-0 text-accent-text" aria-hidden />
          <span>
            <b className="text-base font-semibold tabular-nums">
              {rows.toLocaleString()} {rows === 1 ? 'row' : 'rows'}
            </b>{' '}
            in {tables.length} {tables.length === 1 ? 'table' : 'tables'}, triggers and cascades included
          </span>
        </p>
        <p className="text-xs text-ink-3">
          Counted by PostgreSQL while it ran for a trial that was rolled back, <Time at={new Date(measured.at)} as="ago" />, by{' '}
          {measured.by}, in {durationText(measured.durationMs)}.
        </p>
        {request.mostRows === null ? null : (
          <p className="text-sm text-ink-2">
            If it changes more than{' '}
            <b className="font-semibold text-ink tabular-nums">
              {request.mostRows.toLocaleString()} {request.mostRows === 1 ? 'row' : 'rows'}
            </b>{' '}
            when it is released, it is rolled back.
          </p>
        )}
      </div>
      <TableRowsBars tables={tables} />
      {triggers.length === 0 ? null : (
        <p className="text-xs text-ink-2">
          Fired: {triggers.map(({ name, table, calls }) => `${name} on ${table} ${calls.toLocaleString()}×`).join(', ')}
        </p>
      )}
      {samples
        .filter((sample) => sample.rows.length > 0)
        .map((sample) => (
          <Sample key={sample.table} sample={sample} />
        ))}
      {notes.map((note) => (
        <p key={note} className="text-xs text-ink-3">
          {note}
        </p>
      ))}
      {samples.length === 0 ? null : (
        <p className="text-xs text-ink-3">Samples are a few rows, with every masking rule applied, whoever looks.</p>
      )}
    </div>
  );
}

const CHANGES: Record<SampledRow['change'], { word: string; tone: 'allow' | 'hold' | 'deny' }> = {
  inserted: { word: 'inserted', tone: 'allow' },
  updated: { word: 'changed', tone: 'hold' },
  deleted: { word: 'deleted', tone: 'deny' },
};

function Sample({ sample }: { sample: RowSample }) {
  return (
    <figure className="grid min-w-0 gap-1.5">
      <figcaption className="text-xs text-ink-2">
        Sample of <code className="break-all font-mono">{sample.table}</code>
      </figcaption>
      <div className="overflow-hidden rounded-lg border">
        <Table label={`Sample of ${sample.table}`}>
          <thead>
            <tr>
              <Th>Row</Th>
              {sample.columns.map((column) => (
                <Th key={column.name}>
                  <span className="inline-flex items-center gap-1">
                    {column.name}
                    {column.masked ? <EyeOff className="size-3 text-mask" role="img" aria-label="masked" /> : null}
                  </span>
                </Th>
              ))}
            </tr>
          </thead>
          <tbody>
            {sample.rows.map((row, i) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: sampled rows never move
              <Tr key={i}>
                <Td>
                  <Badge tone={CHANGES[row.change].tone}>{CHANGES[row.change].word}</Badge>
                </Td>
                {sample.columns.map((column, at) => (
                  <Td key={column.name} className="font-mono text-xs">
                    <Cell row={row} at={at} />
                  </Td>
                ))}
              </Tr>
            ))}
          </tbody>
        </Table>
      </div>
    </figure>
  );
}

function Cell({ row, at }: { row: SampledRow; at: number }) {
  const [before, after] = [row.before?.[at] ?? null, row.after?.[at] ?? null];
  if (row.before === null) return <Value text={after} />;
  if (row.after === null) return <Value text={before} struck />;
  if (!row.changed.includes(at)) return <Value text={after} />;
  return (
    <span className="inline-flex flex-wrap items-center gap-1">
      <span className="rounded bg-deny-soft px-1 text-deny">
        <Value text={before} struck />
      </span>
      <span className="sr-only">becomes</span>
      <span className="rounded bg-allow-soft px-1 font-semibold text-allow">
        <Value text={after} />
      </span>
    </span>
  );
}

function Value({ text, struck = false }: { text: string | null; struck?: boolean }) {
  if (text === null) return <span className="italic text-ink-3">null</span>;
  return struck ? <del className="no-underline">{text}</del> : <span>{text}</span>;
}
