'use client';
import { Braces, Download, FileSpreadsheet, X } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { toast } from 'sonner';
import { Button } from '../../ui/button';
import { Menu, MenuItem } from '../../ui/menu';
import { download, type ExportSearch } from './download';

interface Running {
  rows: number;
  bytes: number;
  stop: () => void;
}

/** What the search finds, as a file, with its progress where the button was. */
export function ExportMenu({ search }: { search: ExportSearch }) {
  const [running, setRunning] = useState<Running | null>(null);
  const gone = useRef<AbortController | null>(null);
  useEffect(() => () => gone.current?.abort(), []);
  const start = async (format: 'csv' | 'jsonl') => {
    const controller = new AbortController();
    gone.current = controller;
    const stop = () => controller.abort();
    setRunning({ rows: 0, bytes: 0, stop });
    try {
      const { rows } = await download(search, format, controller.signal, (progress) => setRunning({ ...progress, stop }));
      toast.success(`${rows.toLocaleString()} statements exported. The export is in the audit.`);
    } catch (error) {
      if (controller.signal.aborted) toast('Export stopped. No file was saved.');
      else toast.error(`The export failed: ${error instanceof Error ? error.message : 'unknown'}. No file was saved.`);
    } finally {
      setRunning(null);
    }
  };
  if (running !== null)
    return (
      <span className="inline-flex items-center gap-2 rounded-lg border bg-surface py-0.5 pl-3 pr-1 text-sm shadow-card">
        <span role="status" className="tabular-nums text-ink-2">
          Exporting: {running.rows.toLocaleString()} statements, {bytesText(running.bytes)}
        </span>
        <Button look="ghost" size="icon" aria-label="Stop export" onClick={running.stop}>
          <X aria-hidden />
        </Button>
      </span>
    );
  return (
    <Menu
      label="Export"
      trigger={
        <Button size="sm">
          <Download aria-hidden />
          Export
        </Button>
      }
    >
      <MenuItem onSelect={() => void start('csv')}>
        <FileSpreadsheet aria-hidden />
        CSV
      </MenuItem>
      <MenuItem onSelect={() => void start('jsonl')}>
        <Braces aria-hidden />
        JSON Lines
      </MenuItem>
    </Menu>
  );
}

const bytesText = (bytes: number): string =>
  bytes < 1_000_000 ? `${Math.ceil(bytes / 1_000).toLocaleString()} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
