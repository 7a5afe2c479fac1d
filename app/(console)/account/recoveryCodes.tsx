'use client';
import { TriangleAlert } from 'lucide-react';
import { Button } from '../../ui/button';
import { CopyButton } from '../../ui/copy';

/** Shown once: what is left when the phone is not. */
export function RecoveryCodes({ codes, onKept }: { codes: readonly string[]; onKept: () => void }) {
  return (
    <section role="status" className="m-4 grid gap-3 rounded-xl border border-hold/40 bg-hold-soft p-4">
      <p className="flex items-start gap-2 text-sm font-semibold text-hold">
        <TriangleAlert className="mt-0.5 size-4 shrink-0" aria-hidden />
        Keep these recovery codes away from this device. They are shown this once.
      </p>
      <p className="text-sm text-ink-2">Each stands in for a code of the authenticator, once.</p>
      <ol
        className="grid gap-x-8 gap-y-1 rounded-lg border bg-surface p-3 font-mono text-sm min-[430px]:grid-cols-2"
        aria-label="Recovery codes"
      >
        {codes.map((code) => (
          <li key={code}>{code}</li>
        ))}
      </ol>
      <div className="flex flex-wrap gap-2">
        <CopyButton text={codes.join('\n')} label="Copy recovery codes" word="Copy codes" look="secondary" />
        <Button size="sm" look="primary" onClick={onKept}>
          I have kept them
        </Button>
      </div>
    </section>
  );
}
