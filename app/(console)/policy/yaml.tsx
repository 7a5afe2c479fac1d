'use client';
import { useRef } from 'react';

interface Issue {
  line: number;
  message: string;
}

/** A plain editor with line numbers; lines with an error are marked and named. */
export function Yaml({
  text,
  onChange,
  issues,
  readOnly,
}: {
  text: string;
  onChange: (text: string) => void;
  issues: readonly Issue[];
  readOnly: boolean;
}) {
  const gutter = useRef<HTMLDivElement>(null);
  const lines = text.split('\n').length;
  const marked = new Set(issues.map((issue) => issue.line));
  return (
    <div className="grid h-[min(42rem,68dvh)] grid-cols-[3.25rem_minmax(0,1fr)] bg-surface font-mono text-xs leading-5">
      <div ref={gutter} aria-hidden className="select-none overflow-hidden border-r bg-sunken py-3 text-right tabular-nums text-ink-3">
        {Array.from({ length: lines }, (_, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a line is its number
          <div key={index} className={marked.has(index + 1) ? 'bg-deny-soft pr-2.5 font-semibold text-deny' : 'pr-2.5'}>
            {index + 1}
          </div>
        ))}
      </div>
      <textarea
        aria-label="Policy document, YAML"
        aria-invalid={issues.length > 0 || undefined}
        value={text}
        readOnly={readOnly}
        spellCheck={false}
        autoCapitalize="off"
        wrap="off"
        onChange={(event) => onChange(event.target.value)}
        onScroll={(event) => {
          if (gutter.current) gutter.current.scrollTop = event.currentTarget.scrollTop;
        }}
        className="h-full w-full resize-none overflow-auto whitespace-pre bg-transparent px-3.5 py-3 leading-5 -outline-offset-2 scroll-quiet"
      />
    </div>
  );
}
