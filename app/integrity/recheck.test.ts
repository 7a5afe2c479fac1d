import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { StatementProof } from '../data/types';
import { recheck } from './recheck';

const sha256 = (...parts: Buffer[]) => createHash('sha256').update(Buffer.concat(parts)).digest();
const leafHash = (bytes: Buffer) => sha256(Buffer.of(0), bytes);

/** RFC 9162, section 2.1.1, as it is written there. */
function root(leaves: readonly Buffer[]): Buffer {
  const [only] = leaves;
  if (only === undefined) return sha256();
  if (leaves.length === 1) return leafHash(only);
  const half = 2 ** Math.ceil(Math.log2(leaves.length) - 1);
  return sha256(Buffer.of(1), root(leaves.slice(0, half)), root(leaves.slice(half)));
}

/** RFC 9162, section 2.1.3.1 */
function path(index: number, leaves: readonly Buffer[]): Buffer[] {
  if (leaves.length === 1) return [];
  const half = 2 ** Math.ceil(Math.log2(leaves.length) - 1);
  return index < half
    ? [...path(index, leaves.slice(0, half)), root(leaves.slice(half))]
    : [...path(index - half, leaves.slice(half)), root(leaves.slice(0, half))];
}

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
const typed = Buffer.concat([Buffer.of(1), raw]);
const keyId = sha256(Buffer.from('gatehouse.example/gw\n'), typed).subarray(0, 4);

const leafOf = (id: number) => Buffer.from(JSON.stringify({ v: 1, node: 'gw', entry: { type: 'statement', id: `stm_${id}` } }));

function proofOf(index: number, size: number): StatementProof {
  const leaves = Array.from({ length: size }, (_, at) => leafOf(at));
  const text = `gatehouse.example/gw\n${size}\n${root(leaves).toString('base64')}\n`;
  const signature = Buffer.concat([keyId, sign(null, Buffer.from(text), privateKey)]).toString('base64');
  return {
    statementId: `stm_${index}`,
    node: 'gw',
    index,
    size,
    leaf: leafOf(index).toString('base64'),
    path: path(index, leaves).map((hash) => hash.toString('base64')),
    checkpoint: `${text}\n— gatehouse.example/gw ${signature}\n`,
    publicKey: `gatehouse.example/gw+${keyId.toString('hex')}+${typed.toString('base64')}`,
    checks: [],
    file: '',
  };
}

const holds = async (proof: StatementProof) => (await recheck(proof)).map(({ ok }) => ok);

describe('the proof, again in the browser', () => {
  test('every entry of every tree up to 17 is proved', async () => {
    for (let size = 1; size <= 17; size++)
      for (let index = 0; index < size; index++)
        expect([size, index, ...(await holds(proofOf(index, size)))]).toEqual([size, index, true, true, true]);
  });

  const good = proofOf(4, 11);
  const flip = (base64: string) => {
    const bytes = Buffer.from(base64, 'base64');
    bytes[3] = (bytes[3] ?? 0) ^ 1;
    return bytes.toString('base64');
  };
  test.each<[string, Partial<StatementProof>, boolean[]]>([
    ['an entry that was edited', { leaf: leafOf(99).toString('base64') }, [false, false, true]],
    ['another statement', { statementId: 'stm_5' }, [false, true, true]],
    ['another place', { index: 5 }, [true, false, true]],
    ['a path that is too short', { path: good.path.slice(1) }, [true, false, true]],
    ['a path that is too long', { path: [...good.path, good.path[0] ?? ''] }, [true, false, true]],
    ['a hash that was changed', { path: good.path.map((hash, at) => (at === 1 ? flip(hash) : hash)) }, [true, false, true]],
    ['a checkpoint of another tree', { checkpoint: proofOf(4, 12).checkpoint }, [true, false, true]],
    ['a root that was changed', { checkpoint: good.checkpoint.replace(/\n[^\n]{43}=\n/, `\n${'A'.repeat(43)}=\n`) }, [true, false, false]],
    ['no signature', { checkpoint: good.checkpoint.split('— ')[0] ?? '' }, [true, true, false]],
    ['another name', { publicKey: good.publicKey.replace('example', 'exbmple') }, [true, true, false]],
    ['what is no key', { publicKey: 'nonsense' }, [true, true, false]],
    ['what is no note', { checkpoint: 'nonsense' }, [true, false, false]],
    ['what is no base64', { leaf: '%%%' }, [false, false, true]],
  ])('%s is found', async (_, change, expected) => {
    expect(await holds({ ...good, ...change })).toEqual(expected);
  });
});
