'use client';
import { ChevronDown, SearchX } from 'lucide-react';
import { Button } from '../../ui/button';
import { Card } from '../../ui/card';
import { Select } from '../../ui/field';
import { Empty, ErrorState, SkeletonRows } from '../../ui/states';
import { ColumnsMenu } from './columnsMenu';
import { countText } from './complete';
import { ExportMenu } from './exportMenu';
import { ExplorerRows } from './table';
import { TailControls } from './tailControls';
import { type AuditState, SORTS } from './useAuditState';
import type { FoundStatements } from './useStatements';

const SORT_NAMES = { newest: 'Newest first', oldest: 'Oldest first', slowest: 'Slowest first', largest: 'Most rows first' } as const;

/** What the search found: how many, in which order and columns, as a file, live, and the rows themselves. */
export function Results({ audit, found, onOpen }: { audit: AuditState; found: FoundStatements; onOpen: (id: string) => void }) {
  const { state, setState, columns } = audit;
  const { search, rows, count } = found;
  return (
    <Card className="min-w-0">
      <div className="flex min-h-12 flex-wrap items-center gap-2 border-b px-4 py-2">
        <p className="mr-auto text-sm text-ink-2" role="status">
          {count === null ? 'Searching…' : statementsText(count)}
        </p>
        <Select
          aria-label="Order"
          className="h-8 w-auto"
          value={state.sort}
          onChange={(event) => void setState({ sort: SORTS.find((sort) => sort === event.target.value) ?? null })}
        >
          {SORTS.map((sort) => (
            <option key={sort} value={sort}>
              {SORT_NAMES[sort]}
            </option>
          ))}
        </Select>
        <ColumnsMenu audit={audit} />
        <ExportMenu search={{ ...found.filter, sort: state.sort }} />
        <TailControls
          on={state.live}
          tail={found.tail}
          onStart={() => void setState({ live: true, to: null, sort: null })}
          onStop={() => void setState({ live: null })}
        />
      </div>
      {search.error && !search.data ? (
        <ErrorState
          what="The audit could not be searched"
          error={search.error}
          effect="Recording goes on."
          onRetry={() => void search.refetch()}
        />
      ) : null}
      {search.isPending ? <SkeletonRows rows={8} label="Loading statements" /> : null}
      {search.data && rows.length === 0 ? <NothingFound audit={audit} /> : null}
      {rows.length > 0 ? (
        <ExplorerRows
          rows={rows}
          columns={columns}
          sort={state.sort}
          onSort={(sort) => void setState({ sort })}
          onOpen={onOpen}
          selectedId={state.stm}
        />
      ) : null}
      {search.hasNextPage ? (
        <div className="border-t p-3 text-center">
          <Button onClick={() => void search.fetchNextPage()} busy={search.isFetchingNextPage}>
            <ChevronDown aria-hidden />
            {state.sort === 'newest' ? 'Load older statements' : 'Load more statements'}
          </Button>
        </div>
      ) : null}
    </Card>
  );
}

function NothingFound({ audit: { state, setState } }: { audit: AuditState }) {
  const narrowed = state.q !== '';
  const ranged = state.range !== 'all' || state.from !== null || state.to !== null;
  return (
    <Empty
      icon={SearchX}
      title={narrowed ? 'No statement matches' : 'No statement in this time'}
      action={
        <span className="flex flex-wrap justify-center gap-2">
          {narrowed ? <Button onClick={() => void setState({ q: null })}>Clear search</Button> : null}
          {ranged ? <Button onClick={() => void setState({ range: 'all', from: null, to: null })}>Search all time</Button> : null}
        </span>
      }
    >
      {narrowed ? 'Every word narrows the search, and all of them must hold.' : 'What a client runs appears here, newest first.'}
    </Empty>
  );
}

const statementsText = ({ value, capped }: { value: number; capped: boolean }) =>
  `${countText(value, capped)} ${value === 1 && !capped ? 'statement' : 'statements'}`;
