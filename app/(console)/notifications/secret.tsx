'use client';
import { TriangleAlert } from 'lucide-react';
import { CopyLine } from '../../ui/copy';
import { Sheet } from '../../ui/sheet';

/** A signing secret, the one time it is shown. */
export function SigningSecret({ channel, secret, onClose }: { channel: string; secret: string; onClose: () => void }) {
  return (
    <Sheet open onClose={onClose} title={`Signing secret of ${channel}`} description="The receiver verifies messages with it.">
      <section role="status" className="grid gap-3 rounded-xl border border-hold/40 bg-hold-soft p-4">
        <p className="flex items-start gap-2 text-sm font-semibold text-hold">
          <TriangleAlert className="mt-0.5 size-4 shrink-0" aria-hidden />
          Copy the secret now and keep it with the receiver. It is shown this once.
        </p>
        <CopyLine text={secret} label="signing secret" />
      </section>
    </Sheet>
  );
}
