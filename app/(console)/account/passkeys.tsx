'use client';
import { Card } from '../../ui/card';

/** The passkeys of whoever looks. */
export function Passkeys() {
  return (
    <Card>
      <header className="border-b px-4 py-3">
        <h2 className="text-base font-semibold">Passkeys</h2>
      </header>
    </Card>
  );
}
