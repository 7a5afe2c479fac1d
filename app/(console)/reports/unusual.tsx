import { ArrowUpRight, type LucideIcon, MoonStar, Sparkles, TableProperties } from 'lucide-react';
import Link from 'next/link';
import type { DailyReport } from '../../data/types';
import { Card } from '../../ui/card';
import { lookAt } from './look';

type Unusual = DailyReport['unusual'][number];

const KINDS: Record<Unusual['kind'], { name: string; icon: LucideIcon }> = {
  manyRows: { name: 'Many rows', icon: TableProperties },
  offHours: { name: 'Off hours', icon: MoonStar },
  firstTable: { name: 'First seen', icon: Sparkles },
};

/** What somebody should look at, in a sentence each. */
export function UnusualList({ report }: { report: DailyReport }) {
  return (
    <Card className="min-w-0 print:break-inside-avoid print:shadow-none">
      <h2 className="border-b px-4 py-3 text-sm font-semibold sm:px-5">
        Unusual <span className="font-normal tabular-nums text-ink-3">{report.unusual.length}</span>
      </h2>
      {report.unusual.length === 0 ? (
        <p className="px-4 py-4 text-sm text-ink-2 sm:px-5">Nothing. Everybody did what they usually do.</p>
      ) : (
        <ul className="divide-y">
          {report.unusual.map((one) => {
            const { name, icon: Icon } = KINDS[one.kind];
            return (
              <li
                key={`${one.principalName} ${one.kind}`}
                className="relative flex items-start gap-3 px-4 py-3 text-sm hover:bg-hover sm:px-5"
              >
                <span className="grid size-8 shrink-0 place-items-center rounded-lg bg-hold-soft text-hold">
                  <Icon className="size-4" aria-hidden />
                </span>
                <span className="min-w-0 flex-1">
                  <span className="block text-xs text-ink-3">{name}</span>
                  <span className="break-words">
                    <b className="font-semibold">{one.principalName}</b>: {one.text}
                  </span>
                </span>
                <Link
                  href={lookAt(one.look.q, one.look)}
                  className="inline-flex min-h-8 items-center gap-1 whitespace-nowrap rounded-md text-xs font-medium text-accent-text underline-offset-4 after:absolute after:inset-0 hover:underline print:hidden"
                >
                  <span className="max-sm:sr-only">Look at {one.kind === 'offHours' ? 'them' : 'statements'}</span>
                  <span className="sr-only">
                    {' '}
                    of {one.principalName}, {name.toLowerCase()}
                  </span>
                  <ArrowUpRight className="size-3.5" aria-hidden />
                </Link>
              </li>
            );
          })}
        </ul>
      )}
    </Card>
  );
}
