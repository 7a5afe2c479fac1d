'use client';
import { useQuery } from '@tanstack/react-query';
import { CalendarX, ChevronLeft, ChevronRight, Printer } from 'lucide-react';
import { parseAsString, useQueryStates } from 'nuqs';
import { Suspense, useEffect, useState } from 'react';
import { useTRPC } from '../../data/trpc';
import type { DailyReport } from '../../data/types';
import { Histogram } from '../../statement/histogram';
import { Button } from '../../ui/button';
import { Card } from '../../ui/card';
import { Input } from '../../ui/field';
import { Page } from '../../ui/frame';
import { Empty, ErrorState, Skeleton } from '../../ui/states';
import { dayAfter, dayText, isDay, todayIn } from './days';
import { Principals } from './principals';
import { Totals } from './totals';
import { UnusualList } from './unusual';

export function Report() {
  return (
    <Suspense fallback={null}>
      <ReportOfDay />
    </Suspense>
  );
}

/** The zone of the reader, known once the page is theirs: the server has another. */
function useTimeZone(chosen: string | null): string | null {
  const [own, setOwn] = useState<string | null>(null);
  useEffect(() => setOwn(new Intl.DateTimeFormat().resolvedOptions().timeZone), []);
  return chosen ?? own;
}

function ReportOfDay() {
  const trpc = useTRPC();
  const [state, setState] = useQueryStates({ day: parseAsString, tz: parseAsString }, { history: 'push' });
  const timeZone = useTimeZone(state.tz);
  const chosen = isDay(state.day) ? state.day : null;
  const report = useQuery(
    trpc.reports.daily.queryOptions(
      { day: chosen, timeZone: timeZone ?? 'UTC' },
      { enabled: timeZone !== null, placeholderData: (previous) => previous, staleTime: 30_000 },
    ),
  );
  const today = timeZone === null ? null : todayIn(timeZone, Date.now());
  const day = chosen ?? today;
  const go = (to: string) => void setState({ day: to === today ? null : to });
  return (
    <Page
      title="Daily report"
      about={
        day === null ? 'What happened, by principal, and what of it is unusual.' : `${dayText(day)}, midnight to midnight in ${timeZone}`
      }
      actions={
        <span className="flex flex-wrap items-center gap-1.5 print:hidden">
          <Button look="ghost" size="icon" aria-label="Day before" disabled={day === null} onClick={() => day && go(dayAfter(day, -1))}>
            <ChevronLeft aria-hidden />
          </Button>
          <Input
            type="date"
            aria-label="Day"
            className="w-auto"
            value={day ?? ''}
            max={today ?? undefined}
            onChange={(event) => isDay(event.target.value) && go(event.target.value)}
          />
          <Button
            look="ghost"
            size="icon"
            aria-label="Day after"
            disabled={day === null || day === today}
            onClick={() => day && go(dayAfter(day, 1))}
          >
            <ChevronRight aria-hidden />
          </Button>
          <Button onClick={() => window.print()}>
            <Printer aria-hidden />
            Print report
          </Button>
        </span>
      }
    >
      {report.error && !report.data ? (
        <ErrorState compact what="The report could not be made" error={report.error} effect="" onRetry={() => void report.refetch()} />
      ) : null}
      {report.data === undefined && !report.error ? (
        <div role="status" aria-label="Loading report" className="grid gap-4">
          <Skeleton className="h-20" />
          <Skeleton className="h-44" />
          <Skeleton className="h-64" />
        </div>
      ) : null}
      {report.data ? <Body report={report.data} /> : null}
    </Page>
  );
}

function Body({ report }: { report: DailyReport }) {
  if (report.totals.statements === 0)
    return (
      <Card>
        <Empty icon={CalendarX} title={report.soFar ? 'Nothing yet today' : 'Nothing happened on this day'}>
          No statement reached the gateway {report.soFar ? 'since midnight' : 'between its two midnights'} in {report.timeZone}.
        </Empty>
      </Card>
    );
  return (
    <div className="grid gap-5">
      <Totals report={report} />
      <Card className="p-4 sm:p-5 print:break-inside-avoid print:shadow-none">
        <h2 className="mb-3 text-sm font-semibold">
          The day by the hour{report.soFar ? <span className="font-normal text-ink-3"> so far</span> : null}
        </h2>
        <Histogram buckets={report.hours} />
      </Card>
      <UnusualList report={report} />
      <Principals report={report} />
      <p className="text-xs text-ink-3">
        Unusual is what a principal has not done in the 30 days before: a table it had not used, hours of the day in which it does not
        usually work, ten times its usual rows. Hours and rows need five days to be known. Masked values are rows times masked columns, and
        cells in which a detector found something. Hours are those of {report.timeZone}.
      </p>
    </div>
  );
}
