'use client';
import { Search, TriangleAlert, X } from 'lucide-react';
import { type FormEvent, useEffect, useState } from 'react';
import { termOf, withTerm } from '../../sql/terms';
import { Button } from '../../ui/button';
import { Input, Select } from '../../ui/field';
import { Segments } from '../../ui/tabs';
import { PRESETS } from './range';
import type { AuditState } from './useAuditState';

interface Diagnostic {
  start: number;
  text: string;
  message: string;
}

const HELP = 'who: verdict: connection: table: kind: sqlstate: rows:>100 duration:>1s session: fingerprint: or words from the SQL';

/** One bar and facets over the same state. A word that is not understood is said, never dropped. */
export function QueryBar({ audit, diagnostics }: { audit: AuditState; diagnostics: readonly Diagnostic[] }) {
  const { state, setState } = audit;
  const [text, setText] = useState(state.q);
  useEffect(() => setText(state.q), [state.q]);
  const apply = (q: string) => void setState({ q: q.trim() || null });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    apply(text);
  };
  const custom = state.from !== null || state.to !== null;
  return (
    <div className="grid gap-2.5">
      <search>
        <form onSubmit={submit} className="flex flex-wrap gap-2">
          <div className="relative min-w-60 flex-1">
            <Search className="pointer-events-none absolute left-3 top-1/2 size-4 -translate-y-1/2 text-ink-3" aria-hidden />
            <Input
              aria-label="Search statements"
              aria-describedby="query-help"
              aria-invalid={diagnostics.length > 0 || undefined}
              value={text}
              onChange={(event) => setText(event.target.value)}
              onBlur={() => text.trim() !== state.q && apply(text)}
              placeholder="who:support-bot verdict:held table:orders rows:>1000 duration:>1s"
              className="pl-9 font-mono text-[0.8125rem]"
            />
          </div>
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
          value={termOf(state.q, 'verdict') ?? 'any'}
          onChange={(value) => apply(withTerm(state.q, 'verdict', value === 'any' ? null : value))}
          options={[
            { value: 'any', label: 'Any verdict' },
            { value: 'allowed', label: 'Allowed' },
            { value: 'held', label: 'Held' },
            { value: 'denied', label: 'Denied' },
          ]}
        />
        {custom ? (
          <Button size="sm" onClick={() => void setState({ from: null, to: null })}>
            <X aria-hidden />
            Clear chosen range
          </Button>
        ) : null}
        {state.q !== '' ? (
          <Button size="sm" look="ghost" onClick={() => apply('')}>
            <X aria-hidden />
            Clear search
          </Button>
        ) : null}
        <p id="query-help" className="text-xs text-ink-3 max-md:hidden">
          {HELP}
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
