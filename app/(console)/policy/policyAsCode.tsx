'use client';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Download, FileUp, Play, Undo2 } from 'lucide-react';
import { type ChangeEvent, useState } from 'react';
import { toast } from 'sonner';
import { useIsAdmin } from '../../data/me';
import { useTRPC } from '../../data/trpc';
import { Button } from '../../ui/button';
import { Card } from '../../ui/card';
import { CopyButton } from '../../ui/copy';
import { Page } from '../../ui/frame';
import { ErrorState, Skeleton } from '../../ui/states';
import { Plan } from './plan';
import { Yaml } from './yaml';

/** The whole policy as one document: read it, change it, see what would happen, apply it. */
export function PolicyAsCode() {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const isAdmin = useIsAdmin();
  const exported = useQuery(trpc.policy.export.queryOptions(undefined, { refetchOnWindowFocus: false }));
  const [edited, setEdited] = useState<string | null>(null);
  const plan = useMutation(trpc.policy.applyYaml.mutationOptions());
  const apply = useMutation(
    trpc.policy.applyYaml.mutationOptions({
      onSuccess: (result) => {
        toast.success(`Policy applied, version ${result.version}`);
        plan.reset();
        setEdited(null);
        void queryClient.invalidateQueries();
      },
    }),
  );
  const text = edited ?? exported.data?.yaml ?? '';
  const issues = apply.error?.data?.policy ?? plan.error?.data?.policy ?? [];
  const planned = plan.data && plan.variables?.yaml === text ? plan.data : null;
  const failed = apply.error ?? plan.error;
  const change = (next: string) => {
    setEdited(next);
    plan.reset();
    apply.reset();
  };
  const openFile = async (event: ChangeEvent<HTMLInputElement>) => {
    const file = event.target.files?.[0];
    event.target.value = '';
    if (file) change(await file.text());
  };
  const download = () => {
    const url = URL.createObjectURL(new Blob([text], { type: 'application/yaml' }));
    const anchor = Object.assign(document.createElement('a'), { href: url, download: 'gatehouse.yaml' });
    anchor.click();
    URL.revokeObjectURL(url);
  };
  return (
    <Page
      wide
      title="Policy as code"
      about="The same model the console edits. Nothing changes until you apply, and a dry run says exactly what would."
      actions={
        <>
          <CopyButton look="secondary" text={text} label="Copy policy" word="Copy" />
          <Button onClick={download} disabled={text === ''}>
            <Download aria-hidden />
            Download
          </Button>
          {isAdmin ? (
            <Button asChild>
              <label className="cursor-pointer focus-within:outline-2 focus-within:outline-offset-2 focus-within:outline-ring">
                <FileUp aria-hidden />
                Open file
                <input type="file" accept=".yaml,.yml" className="sr-only" onChange={openFile} />
              </label>
            </Button>
          ) : null}
        </>
      }
    >
      <div className="grid items-start gap-6 xl:grid-cols-[minmax(0,1fr)_26rem]">
        <Card className="min-w-0 overflow-hidden">
          {exported.error && !exported.data ? (
            <ErrorState
              what="The policy could not be exported"
              error={exported.error}
              effect="It stays in force."
              onRetry={() => void exported.refetch()}
            />
          ) : null}
          {exported.isPending ? <Skeleton className="m-4 h-96" /> : null}
          {exported.data ? <Yaml text={text} onChange={change} issues={issues} readOnly={!isAdmin} /> : null}
          {isAdmin ? (
            <div className="flex flex-wrap items-center gap-2 border-t p-3.5">
              <Button onClick={() => plan.mutate({ yaml: text, dryRun: true })} busy={plan.isPending} disabled={text === ''}>
                {plan.isPending ? null : <Play aria-hidden />}
                Plan changes
              </Button>
              <Button
                look="primary"
                onClick={() => apply.mutate({ yaml: text, dryRun: false })}
                busy={apply.isPending}
                disabled={planned === null || planned.changes.every((one) => one.change === 'none')}
              >
                Apply policy
              </Button>
              {edited !== null ? (
                <Button look="ghost" className="ml-auto" onClick={() => change(exported.data?.yaml ?? '')}>
                  <Undo2 aria-hidden />
                  Back to what is in force
                </Button>
              ) : null}
            </div>
          ) : null}
        </Card>
        <Plan planned={planned} issues={issues} error={failed && issues.length === 0 ? failed : null} canEdit={isAdmin} />
      </div>
    </Page>
  );
}
