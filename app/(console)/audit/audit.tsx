'use client';
import { Link2 } from 'lucide-react';
import { Suspense } from 'react';
import { toast } from 'sonner';
import { useMe } from '../../data/me';
import { IntegrityStatus } from '../../integrity/status';
import { BreakGlassBanner } from '../../statement/breakGlass';
import { Button } from '../../ui/button';
import { Page } from '../../ui/frame';
import { SkeletonRows } from '../../ui/states';
import { TabPanel, Tabs } from '../../ui/tabs';
import { ConsoleActions } from './actions';
import { frozenSearch } from './range';
import { Statements } from './statements';
import { useAuditState } from './useAuditState';

export function Audit() {
  return (
    <Suspense fallback={<SkeletonRows />}>
      <AuditTabs />
    </Suspense>
  );
}

function AuditTabs() {
  const audit = useAuditState();
  const role = useMe()?.role;
  const copyLink = async () => {
    const search = frozenSearch(window.location.search, audit.state, Date.now());
    try {
      await navigator.clipboard.writeText(`${window.location.origin}/audit?${search}`);
      toast.success('Link copied. Its times are fixed.');
    } catch {
      toast.error('The browser refused to copy. Copy the address bar instead.');
    }
  };
  return (
    <Page
      wide
      title="Audit"
      about="Every statement that reached the gateway, and everything people did here."
      actions={
        <Button onClick={copyLink}>
          <Link2 aria-hidden />
          Copy link
        </Button>
      }
    >
      <BreakGlassBanner />
      <Tabs
        label="Audit"
        value={audit.state.tab}
        onChange={(tab) => void audit.setState({ tab })}
        tabs={[
          { value: 'statements', label: 'Statements' },
          ...(role === 'member'
            ? []
            : [
                { value: 'actions', label: 'Console actions' },
                { value: 'integrity', label: 'Integrity' },
              ]),
        ]}
      >
        <TabPanel value="statements">
          <Statements audit={audit} />
        </TabPanel>
        <TabPanel value="actions">
          <ConsoleActions />
        </TabPanel>
        <TabPanel value="integrity">
          <IntegrityStatus />
        </TabPanel>
      </Tabs>
    </Page>
  );
}
