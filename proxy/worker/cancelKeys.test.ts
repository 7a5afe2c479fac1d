import { describe, expect, test } from 'vitest';
import { takeCancel } from './cancelAllowance';
import { CancelKeys } from './cancelKeys';

function session() {
  const seen = { cancels: 0, floods: 0 };
  const cancel = async () => {
    seen.cancels++;
  };
  return { seen, session: { cancel }, onFlood: () => seen.floods++ };
}

describe('trap-18-cancel-key', () => {
  test('the right process id with the right secret, and nothing else, cancels that session', () => {
    const keys = new CancelKeys();
    const [one, other] = [session(), session()];
    // Two upstreams gave the same process id.
    const key = keys.issue({ ...one, processId: 4_711, minorVersion: 0 });
    const second = keys.issue({ ...other, processId: 4_711, minorVersion: 0 });
    expect(key.processId).toBe(4_711);
    expect(keys.cancel({ processId: 4_711, secret: Buffer.alloc(4) }, 0)).toBe(null);
    expect(keys.cancel({ processId: 4_712, secret: key.secret }, 0)).toBe(null);
    expect(keys.cancel({ processId: 4_711, secret: key.secret.subarray(0, 3) }, 0)).toBe(null);
    expect([one.seen.cancels, other.seen.cancels]).toEqual([0, 0]);
    expect(keys.cancel(second, 0)).not.toBe(null);
    expect([one.seen.cancels, other.seen.cancels]).toEqual([0, 1]);
    second.revoke();
    second.revoke();
    expect(keys.cancel(second, 0)).toBe(null);
    expect(keys.cancel(key, 0)).not.toBe(null);
    expect([one.seen.cancels, other.seen.cancels]).toEqual([1, 1]);
  });

  test('trap-08-cancel-key-length: 4 bytes up to protocol 3.1, 32 from 3.2', () => {
    const keys = new CancelKeys();
    const lengths = [0, 1, 2].map((minorVersion) => keys.issue({ ...session(), processId: 1, minorVersion }).secret.length);
    expect(lengths).toEqual([4, 4, 32]);
  });

  test('trap-19-no-key-data: where the upstream gives no process id one is made up', () => {
    const keys = new CancelKeys();
    const issued = Array.from({ length: 100 }, () => keys.issue({ ...session(), processId: null, minorVersion: 0 }));
    expect(new Set(issued.map(({ processId }) => processId)).size).toBe(100);
    for (const { processId } of issued) expect(processId).toBeGreaterThan(0);
  });
});

describe('trap-21-cancel-flood', () => {
  test('a few at once, a few a second, and one word a burst', () => {
    const keys = new CancelKeys();
    const target = session();
    const bystander = session();
    const key = keys.issue({ ...target, processId: 1, minorVersion: 2 });
    const other = keys.issue({ ...bystander, processId: 1, minorVersion: 2 });
    for (let i = 0; i < 1_000; i++) keys.cancel(key, 1_000 + i / 1_000);
    expect(target.seen).toEqual({ cancels: 5, floods: 1 });
    keys.cancel(other, 1_001);
    expect(bystander.seen).toEqual({ cancels: 1, floods: 0 });
    keys.cancel(key, 1_300);
    expect(target.seen).toEqual({ cancels: 6, floods: 1 });
    for (let i = 0; i < 100; i++) keys.cancel(key, 60_000);
    expect(target.seen).toEqual({ cancels: 11, floods: 2 });
  });

  test('an allowance never grows beyond what is given at once', () => {
    let allowance = { left: 0, filledAtMs: -Infinity, told: false };
    let allowed = 0;
    for (let i = 0; i < 20; i++) {
      const taken = takeCancel(allowance, 1e9);
      allowance = taken.next;
      if (taken.allowed) allowed++;
    }
    expect(allowed).toBe(5);
  });
});
