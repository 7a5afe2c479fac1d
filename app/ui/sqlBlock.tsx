'use client';
import { TriangleAlert } from 'lucide-react';
import { useMemo, useState } from 'react';
import { formatSql } from '../sql/format';
import { countInvisible, oneLine, visibleParts } from '../sql/invisible';
import { type SqlTokenKind, sqlTokens } from '../sql/tokens';
import { cx } from './classes';
import { CopyButton } from './copy';
import { Scroll } from './scroll';
import { Segments } from './tabs';

const COLOURS: Record<SqlTokenKind, string> = {
  keyword: 'text-syn-keyword font-semibold',
  name: '',
  string: 'text-syn-string',
  number: 'text-syn-number',
  parameter: 'text-syn-parameter font-semibold',
  comment: 'text-syn-comment italic',
  symbol: 'text-ink-2',
  space: '',
};

/** Highlighting a very large text would freeze the page; beyond this it is shown plain. */
const HIGHLIGHT_LIMIT = 50_000;

/** From here on a text does not fit the box, and its end may be what matters. */
const LONG_TEXT = 2_000;

/** SQL text with colours; hidden and reordering characters are shown escaped. */
export function SqlText({ sql }: { sql: string }) {
  const tokens = useMemo(() => (sql.length > HIGHLIGHT_LIMIT ? [{ kind: 'name' as const, text: sql }] : sqlTokens(sql)), [sql]);
  return tokens.map((token, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: tokens are a pure function of the text
    <span key={index} className={COLOURS[token.kind]}>
      <Visible text={token.text} />
    </span>
  ));
}

/** Any text that came from outside, with what hides in it shown. */
export function Visible({ text }: { text: string }) {
  return visibleParts(text).map((part, index) =>
    part.type === 'text' ? (
      part.text
    ) : (
      <span
        // biome-ignore lint/suspicious/noArrayIndexKey: parts are a pure function of the text
        key={index}
        className="mx-px rounded bg-deny-soft px-0.5 font-mono not-italic text-deny"
        title="hidden or reordering character, shown escaped"
      >
        {part.text}
      </span>
    ),
  );
}

/** One line of SQL for a row. */
export const SqlLine = ({ sql, className }: { sql: string; className?: string }) => (
  <code className={cx('block truncate font-mono text-xs leading-5', className)} dir="ltr">
    <SqlText sql={oneLine(sql)} />
  </code>
);

/** A statement: formatted for reading, raw as it runs, with a copy of the raw bytes. */
export function SqlBlock({ sql, label = 'Statement', start = 'formatted' }: { sql: string; label?: string; start?: 'formatted' | 'raw' }) {
  const [view, setView] = useState<'formatted' | 'raw'>(start);
  const formatted = useMemo(() => formatSql(sql), [sql]);
  const hidden = countInvisible(sql);
  return (
    <figure className="min-w-0 overflow-hidden rounded-xl border bg-sunken">
      <figcaption className="flex items-center justify-between gap-2 border-b px-2 py-1.5 pl-3.5 text-xs text-ink-3">
        <span>
          {view === 'raw' ? 'Raw: exactly what runs' : 'Formatted for reading'}
          {sql.length > LONG_TEXT ? ` · ${sql.length.toLocaleString()} characters, scroll to the end` : ''}
        </span>
        <span className="flex items-center gap-1">
          <Segments
            label={`${label} view`}
            value={view}
            onChange={setView}
            options={[
              { value: 'formatted', label: 'Formatted' },
              { value: 'raw', label: 'Raw' },
            ]}
          />
          <CopyButton text={sql} label="Copy SQL" />
        </span>
      </figcaption>
      {hidden > 0 ? (
        <p className="flex items-center gap-2 border-b bg-deny-soft px-3.5 py-2 text-xs font-medium text-deny">
          <TriangleAlert className="size-3.5 shrink-0" aria-hidden />
          {hidden} hidden or reordering {hidden === 1 ? 'character is' : 'characters are'} shown escaped
        </p>
      ) : null}
      <Scroll label={label} dir="ltr" className="max-h-96 px-3.5 py-3 font-mono text-[0.8125rem] leading-[1.45rem]">
        {/* Lines wrap: what stands behind the right edge would be approved unread. */}
        <pre className="whitespace-pre-wrap [overflow-wrap:anywhere]">
          <code>
            <SqlText sql={view === 'raw' ? sql : formatted} />
          </code>
        </pre>
      </Scroll>
    </figure>
  );
}
