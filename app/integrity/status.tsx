'use client';
import { useQuery } from '@tanstack/react-query';
import { Download, FileCheck2, ShieldCheck, ShieldX, TriangleAlert } from 'lucide-react';
import { useTRPC } from '../data/trpc';
import type { AuditStatus } from '../data/types';
import { Badge } from '../ui/badge';
import { Button } from '../ui/button';
import { Card, Fact, Facts } from '../ui/card';
import { CopyLine } from '../ui/copy';
import { Empty, ErrorState, SkeletonRows, sentence } from '../ui/states';
import { Table, Td, Th, Tr } from '../ui/table';
import { agoText, Time, useNow } from '../ui/time';
import { saveText } from './save';

type Node = AuditStatus['nodes'][number];

/** The log of each gateway: how long it is, what was signed of it, who has seen that, and what is still on its way. */
export function IntegrityStatus() {
  const trpc = useTRPC();
  const status = useQuery(trpc.audit.status.queryOptions(undefined, { refetchInterval: 10_000 }));
  if (status.error && !status.data)
    return (
      <ErrorState
        compact
        what="The state of the log could not be read"
        error={status.error}
        effect="Recording goes on."
        onRetry={() => void status.refetch()}
      />
    );
  if (!status.data)
    return (
      <Card>
        <SkeletonRows label="Loading the state of the log" rows={4} />
      </Card>
    );
  if (status.data.nodes.length === 0)
    return (
      <Card>
        <Empty icon={FileCheck2} title="No log yet">
          The first entry is made when a gateway starts to record; its first checkpoint follows within seconds.
        </Empty>
      </Card>
    );
  return (
    <div className="grid gap-4">
      <p className="max-w-3xl text-sm text-ink-2">
        Every entry is a leaf of an append-only Merkle log. Keep a checkpoint somewhere else: with it{' '}
        <code className="rounded bg-sunken px-1 font-mono text-xs">gatehouse audit verify</code> proves, offline, that nothing was edited,
        dropped, reordered or rebuilt.
      </p>
      {status.data.nodes.map((node) => (
        <NodeCard key={node.node} node={node} />
      ))}
    </div>
  );
}

function NodeCard({ node }: { node: Node }) {
  const nowMs = useNow(1_000);
  const { checkpoint, broken, lag } = node;
  const unsigned = node.size - (checkpoint?.size ?? 0);
  return (
    <Card className="min-w-0" aria-label={`Log of ${node.node}`}>
      <div className="flex flex-wrap items-center gap-2 border-b px-4 py-3 sm:px-5">
        <h2 className="min-w-0 break-all font-mono text-sm font-semibold">{node.node}</h2>
        {broken ? (
          <Badge tone="deny">
            <ShieldX aria-hidden />
            Broken
          </Badge>
        ) : (
          <Badge tone="allow">
            <ShieldCheck aria-hidden />
            Intact
          </Badge>
        )}
        {checkpoint ? (
          <Button
            size="sm"
            className="ml-auto"
            onClick={() => saveText(checkpoint.note, `${node.node}-${checkpoint.size}.checkpoint`, 'text/plain')}
          >
            <Download aria-hidden />
            Download checkpoint
          </Button>
        ) : null}
      </div>
      <div className="grid gap-5 p-4 *:min-w-0 sm:p-5">
        {broken ? (
          <p role="alert" className="rounded-lg border border-deny/30 bg-deny-soft px-3 py-2.5 text-sm text-deny">
            {broken.index === null ? '' : `At entry ${broken.index.toLocaleString()}: `}
            {broken.what}
          </p>
        ) : null}
        {node.trouble === null ? null : (
          <p className="flex items-start gap-2 rounded-lg bg-hold-soft px-3 py-2.5 text-sm text-hold">
            <TriangleAlert className="mt-0.5 size-4 shrink-0" aria-hidden />
            {sentence(node.trouble)}
          </p>
        )}
        <div className="grid gap-x-10 gap-y-2 *:min-w-0 lg:grid-cols-2">
          <Facts>
            <Fact name="Entries">
              <span className="font-semibold tabular-nums">{node.size.toLocaleString()}</span>
            </Fact>
            <Fact name="Newest checkpoint">
              {checkpoint ? (
                <>
                  {checkpoint.size.toLocaleString()} entries, <Time at={checkpoint.at} as="ago" nowMs={nowMs} />
                </>
              ) : (
                'none yet'
              )}
            </Fact>
            <Fact name="Not signed yet">{unsigned === 0 ? 'nothing' : `${unsigned.toLocaleString()} entries`}</Fact>
            {checkpoint ? (
              <Fact name="Root">
                <span className="break-all font-mono text-xs">{checkpoint.root}</span>
              </Fact>
            ) : null}
          </Facts>
          <Facts>
            <Fact name="Journal">{lag.journalBytes === 0 ? 'all in the log' : `${kilobytes(lag.journalBytes)} not in the log yet`}</Fact>
            <Fact name="Store">{lag.entries === 0 ? 'all shipped' : `${lag.entries.toLocaleString()} entries not shipped yet`}</Fact>
            <Fact name="Last heard of">
              <Time at={node.seenAt} as="ago" nowMs={nowMs} />
            </Fact>
            <Fact name="Last self-check">{node.checkedAt ? <Time at={node.checkedAt} as="ago" nowMs={nowMs} /> : 'not known'}</Fact>
          </Facts>
        </div>
        {node.publicKey ? (
          <div className="grid gap-1.5 *:min-w-0">
            <p className="text-sm text-ink-3">Public key</p>
            <CopyLine label="public key" text={node.publicKey} />
          </div>
        ) : null}
        <Witnesses node={node} nowMs={nowMs} />
        <Sinks node={node} nowMs={nowMs} />
      </div>
    </Card>
  );
}

const kilobytes = (bytes: number): string => `${Math.max(1, Math.round(bytes / 1_000)).toLocaleString()} kB`;

function Witnesses({ node, nowMs }: { node: Node; nowMs: number }) {
  if (node.witnesses.length === 0)
    return (
      <p className="rounded-lg border border-dashed px-3 py-2.5 text-sm text-ink-2">
        No witness: whoever holds this machine and its key could rebuild the log from the start. Name one under{' '}
        <code className="font-mono text-xs">audit: witnesses</code> in the policy.
      </p>
    );
  return (
    <div className="min-w-0 rounded-lg border">
      <Table label={`Witnesses of ${node.node}`}>
        <thead>
          <tr>
            <Th>Witness</Th>
            <Th>State</Th>
            <Th>Has seen</Th>
            <Th>Lag</Th>
            <Th>When</Th>
          </tr>
        </thead>
        <tbody>
          {node.witnesses.map((witness) => (
            <Tr key={witness.name}>
              <Td className="break-all font-mono text-xs">{witness.name}</Td>
              <Td>
                <Badge tone={witness.ok ? 'allow' : 'deny'}>{witness.ok ? 'Follows' : 'Fails'}</Badge>
                {witness.error === null ? null : <span className="mt-1 block text-xs text-deny">{witness.error}</span>}
              </Td>
              <Td className="whitespace-nowrap tabular-nums">
                {witness.size === null ? 'nothing yet' : `${witness.size.toLocaleString()} entries`}
              </Td>
              <Td className="whitespace-nowrap tabular-nums">
                {Math.max(0, (node.checkpoint?.size ?? node.size) - (witness.size ?? 0)).toLocaleString()} entries
              </Td>
              <Td className="whitespace-nowrap">{witness.at === null ? '–' : agoText(witness.at, nowMs)}</Td>
            </Tr>
          ))}
        </tbody>
      </Table>
    </div>
  );
}

/** Where entries are sent on; nothing where nobody asked for any. */
function Sinks({ node, nowMs }: { node: Node; nowMs: number }) {
  if (node.sinks.length === 0) return null;
  return (
    <div className="min-w-0 rounded-lg border">
      <Table label={`Sinks of ${node.node}`}>
        <thead>
          <tr>
            <Th>Sink</Th>
            <Th>State</Th>
            <Th>Waiting</Th>
            <Th>Lost</Th>
            <Th>Last sent</Th>
          </tr>
        </thead>
        <tbody>
          {node.sinks.map((sink) => (
            <Tr key={sink.name}>
              <Td className="break-all font-mono text-xs">{sink.name}</Td>
              <Td>
                {sink.error === null ? <Badge tone="allow">Takes entries</Badge> : <Badge tone="hold">Away</Badge>}
                {sink.error === null ? null : <p className="mt-1 text-xs text-ink-3">{sentence(sink.error)}</p>}
              </Td>
              <Td className="tabular-nums">{sink.waiting.toLocaleString()}</Td>
              <Td className="tabular-nums">{sink.lost === 0 ? 'none' : sink.lost.toLocaleString()}</Td>
              <Td>{sink.at ? <Time at={sink.at} as="ago" nowMs={nowMs} /> : 'not since the start'}</Td>
            </Tr>
          ))}
        </tbody>
      </Table>
    </div>
  );
}
