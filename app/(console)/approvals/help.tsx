'use client';
import { Check } from '../../ui/field';
import { Kbd } from '../../ui/kbd';
import { Sheet } from '../../ui/sheet';

const KEYS: readonly (readonly [string, string])[] = [
  ['j', 'Next request'],
  ['k', 'Previous request'],
  ['Enter', 'Open request'],
  ['a', 'Approve statement (opens the card first)'],
  ['r', 'Reject statement (opens the card first)'],
  ['/', 'Filter the list'],
  ['Esc', 'Close the card'],
  ['?', 'This help'],
];

export function KeysHelp({ open, onClose, on, setOn }: { open: boolean; onClose: () => void; on: boolean; setOn: (on: boolean) => void }) {
  return (
    <Sheet open={open} onClose={onClose} title="Keys" description="They do nothing while you type or hold a modifier.">
      <dl className="grid grid-cols-[4rem_1fr] items-center gap-y-3 text-sm">
        {KEYS.map(([key, words]) => (
          <div key={key} className="contents">
            <dt>
              <Kbd>{key}</Kbd>
            </dt>
            <dd>{words}</dd>
          </div>
        ))}
      </dl>
      <div className="mt-5 border-t pt-4">
        <Check label="Use single-letter keys" hint="Kept on this device." checked={on} onChange={(event) => setOn(event.target.checked)} />
      </div>
    </Sheet>
  );
}
