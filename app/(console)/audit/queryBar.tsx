'use client';
import { TriangleAlert, X } from 'lucide-react';
import { type FormEvent, type Ref, useEffect, useId, useState } from 'react';
import type { Facet } from '../../data/types';
import { termOf, withTerm } from '../../sql/terms';
import { Button } from '../../ui/button';
import { Select } from '../../ui/field';
import { Segments } from '../../ui/tabs';
import { QueryInput } from './queryInput';
import { PRESETS } from './range';
import type { AuditState } from './useAuditState';

interface Diagnostic {
  start: number;
  text: string;
  message: string;
}

interface QueryBarProps {
  audit: AuditState;
  facets: readonly Facet[];
  diagnostics: readonly Diagnostic[];
  barRef: Ref<HTMLDivElement>;
}

/** One bar and facets over the same state. A word that is not understood is said, never dropped. */
export function QueryBar({ audit, facets, diagnostics, barRef }: QueryBarProps) {
  const { state, setState } = audit;
  const helpId = useId();
  const [text, setText] = useState(state.q);
  // A space behind the last word is not in the URL, and must not be taken from under who types on.
  useEffect(() => setText((typed) => (typed.trim() === state.q ? typed : state.q)), [state.q]);
  const apply = (q: string) => {
    if (q.trim() !== state.q) void setState({ q: q.trim() || null });
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    apply(text);
  };
  const custom = state.from !== null || state.to !== null;
  return (
    <div className="grid gap-2.5">
      <search>
        <form onSubmit={submit} className="flex flex-wrap gap-2">
          <QueryInput
            text={text}
            onText={setText}
            onApply={apply}
            facets={facets}
            invalid={diagnostics.length > 0}
            describedBy={helpId}
            barRef={barRef}
          />
          <Select
            aria-label="Time range"
            className="w-auto max-sm:flex-1"
            value={custom ? 'custom' : state.range}
            onChange={(event) => event.target.value !== 'custom' && void setState({ range: event.target.value, from: null, to: null })}
          >
            {custom ? <option value="custom">Chosen range</option> : null}
            {PRESETS.map((preset) => (
              <option key={preset.value} value={preset.value}>
                {preset.name}
              </option>
            ))}
          </Select>
          <Button type="submit" look="primary">
            Search
          </Button>
        </form>
      </search>
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
        <Segments
          label="Verdict"
          value={VERDICT_WORDS[termOf(state.q, 'verdict') ?? ''] ?? 'any'}
          onChange={(value) => apply(withTerm(state.q, 'verdict', value === 'any' ? null : value))}
          options={[
            { value: 'any', label: 'Any verdict' },
            { value: 'allowed', label: 'Allowed' },
            { value: 'held', label: 'Held' },
            { value: 'denied', label: 'Denied' },
          ]}
        />
        {state.q !== '' ? (
          <Button size="sm" look="ghost" onClick={() => apply('')}>
            <X aria-hidden />
            Clear search
          </Button>
        ) : null}
        <p id={helpId} className="min-w-0 text-xs text-ink-3 max-md:sr-only">
          Words narrow, text searches the SQL. Arrows choose, Enter searches.
        </p>
      </div>
      {diagnostics.length > 0 ? (
        <ul role="alert" className="grid gap-1 rounded-lg bg-hold-soft px-3 py-2.5 text-sm text-hold">
          {diagnostics.map((diagnostic) => (
            <li key={`${diagnostic.start}${diagnostic.text}`} className="flex items-start gap-2">
              <TriangleAlert className="mt-0.5 size-4 shrink-0" aria-hidden />
              <span>
                <code className="font-mono text-xs font-semibold">{diagnostic.text}</code>: {diagnostic.message}
              </span>
            </li>
          ))}
        </ul>
      ) : null}
    </div>
  );
}

const VERDICT_WORDS: Readonly<Record<string, 'allowed' | 'held' | 'denied'>> = {
  allow: 'allowed',
  allowed: 'allowed',
  hold: 'held',
  held: 'held',
  deny: 'denied',
  denied: 'denied',
};
