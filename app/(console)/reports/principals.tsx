import Link from 'next/link';
import type { ReactNode } from 'react';
import type { DailyReport } from '../../data/types';
import { Card } from '../../ui/card';
import { cx } from '../../ui/classes';
import { durationText } from '../../ui/time';
import { lookAt, word } from './look';

type Principal = DailyReport['principals'][number];

/** Each principal's day: the same picture for all of them, drawn to one scale, and its figures under it. */
export function Principals({ report }: { report: DailyReport }) {
  const peak = Math.max(1, ...report.principals.flatMap((one) => one.byHour));
  return (
    <section aria-label="Principals" className="grid gap-3">
      <h2 className="text-sm font-semibold">
        Principals <span className="font-normal tabular-nums text-ink-3">{report.principals.length}</span>
      </h2>
      <ul className="grid items-start gap-3 md:grid-cols-2 print:grid-cols-2">
        {report.principals.map((one) => (
          <li key={one.principalName} className="min-w-0">
            <PrincipalCard one={one} report={report} peak={peak} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function PrincipalCard({ one, report, peak }: { one: Principal; report: DailyReport; peak: number }) {
  const odd = new Set(
    report.unusual.flatMap((item) => (item.kind === 'offHours' && item.principalName === one.principalName ? item.hours : [])),
  );
  const who = word('who', one.principalName);
  return (
    <Card className="grid gap-3 p-4 print:break-inside-avoid print:shadow-none">
      <div className="flex flex-wrap items-baseline justify-between gap-x-3">
        <h3 className="min-w-0 break-all text-sm font-semibold">
          {one.principalName}
          {one.ownerName === null ? null : <span className="font-normal text-ink-2"> for {one.ownerName}</span>}
        </h3>
        <span className="text-xs text-ink-3">on {one.connections.join(', ')}</span>
      </div>
      <Hours one={one} report={report} peak={peak} odd={odd} />
      <dl className="grid grid-cols-3 gap-x-4 gap-y-2 sm:grid-cols-6">
        <Figure name="Statements" href={lookAt(who, report)}>
          {one.statements.toLocaleString()}
        </Figure>
        <Figure name="Rows" href={lookAt(`${who} rows:>0`, report)}>
          {one.rows.toLocaleString()}
        </Figure>
        <Figure name="Masked" href={one.maskedValues === 0 ? null : lookAt(`${who} masked:*`, report)}>
          {one.maskedValues.toLocaleString()}
        </Figure>
        <Figure name="Held" href={one.holds.total === 0 ? null : lookAt(`${who} verdict:held`, report)}>
          {one.holds.total.toLocaleString()}
        </Figure>
        <Figure name="Denied" href={one.denied === 0 ? null : lookAt(`${who} verdict:denied`, report)}>
          {one.denied.toLocaleString()}
        </Figure>
        <Figure name="Errors" href={one.errors === 0 ? null : lookAt(`${who} status:failed`, report)}>
          {one.errors.toLocaleString()}
        </Figure>
      </dl>
      <div className="grid gap-1.5 text-xs text-ink-2">
        {one.holds.total === 0 ? null : (
          <p>
            Held: {one.holds.approved} approved, {one.holds.rejected} rejected
            {one.holds.other === 0 ? '' : `, ${one.holds.other} expired, withdrawn or waiting`}
            {one.holds.medianWaitMs === null ? '' : `; half waited ${durationText(one.holds.medianWaitMs)} or less`}.
          </p>
        )}
        <Names title="Tables" names={one.tables} href={(name) => lookAt(`${who} ${word('table', name)}`, report)} />
        <Names title="Masked columns" names={one.maskedColumns} href={(name) => lookAt(`${who} ${word('masked', name)}`, report)} />
      </div>
    </Card>
  );
}

/** Statements by the hour, to the scale of the busiest hour of anybody; odd hours are hatched. */
function Hours({ one, report, peak, odd }: { one: Principal; report: DailyReport; peak: number; odd: ReadonlySet<number> }) {
  const busiest = one.byHour.indexOf(Math.max(...one.byHour));
  const hour = report.hours[busiest]?.hour ?? 0;
  return (
    <figure>
      <div
        role="img"
        aria-label={`${one.statements} statements by hour, most of them from ${hour}:00${odd.size > 0 ? `; unusual at ${[...odd].map((value) => `${value}:00`).join(', ')}` : ''}`}
        className="flex h-12 items-end gap-[2px] border-b [print-color-adjust:exact]"
      >
        {one.byHour.map((count, slot) => {
          const at = report.hours[slot];
          return (
            <div
              key={at?.at.getTime() ?? slot}
              className="flex h-full min-w-0 flex-1 items-end"
              title={`${at?.hour ?? slot}:00: ${count} statements`}
            >
              <div
                className={cx(
                  'w-full rounded-t-[2px]',
                  count === 0 ? 'h-px bg-line' : 'min-h-[3px]',
                  count > 0 && (odd.has(at?.hour ?? slot) ? 'hatched bg-hold-soft ring-1 ring-inset ring-hold-solid' : 'bg-accent/70'),
                )}
                style={count === 0 ? undefined : { height: `${(count / peak) * 100}%` }}
              />
            </div>
          );
        })}
      </div>
      <div aria-hidden className="mt-0.5 flex justify-between text-[0.6875rem] tabular-nums text-ink-3">
        <span>00:00</span>
        <span>06:00</span>
        <span>12:00</span>
        <span>18:00</span>
        <span>24:00</span>
      </div>
    </figure>
  );
}

function Figure({ name, href, children }: { name: string; href: string | null; children: ReactNode }) {
  return (
    <div>
      <dt className="text-xs text-ink-3">{name}</dt>
      <dd className="text-sm font-semibold tabular-nums">
        {href === null ? (
          <span className="font-normal text-ink-3">{children}</span>
        ) : (
          <Link href={href} className="rounded underline decoration-line underline-offset-4 hover:decoration-current">
            {children}
          </Link>
        )}
      </dd>
    </div>
  );
}

const SHOWN = 6;

function Names({ title, names, href }: { title: string; names: readonly string[]; href: (name: string) => string }) {
  if (names.length === 0) return null;
  return (
    <p className="break-words">
      {title}:{' '}
      {names.slice(0, SHOWN).map((name, index) => (
        <span key={name}>
          {index > 0 ? ', ' : ''}
          <Link href={href(name)} className="font-mono underline decoration-line underline-offset-4 hover:decoration-current">
            {name}
          </Link>
        </span>
      ))}
      {names.length > SHOWN ? ` and ${names.length - SHOWN} more` : ''}
    </p>
  );
}
