'use client';
import { Check, Copy } from 'lucide-react';
import { useEffect, useState } from 'react';
import { toast } from 'sonner';
import { Button } from './button';
import { Scroll } from './scroll';

/** Copies text and says so, in place and to a screen reader. */
export function CopyButton({
  text,
  label,
  word,
  look = 'ghost',
}: {
  text: string;
  label: string;
  word?: string;
  look?: 'ghost' | 'secondary' | 'primary';
}) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 1600);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setCopied(true);
    } catch {
      toast.error('The browser refused to copy. Select the text and copy it by hand.');
    }
  };
  return (
    <Button look={look} size={word ? 'sm' : 'icon'} aria-label={word ? undefined : label} title={label} onClick={copy}>
      {copied ? <Check className="text-allow" aria-hidden /> : <Copy aria-hidden />}
      {word ? (copied ? 'Copied' : word) : null}
      <span role="status" className="sr-only">
        {copied ? 'Copied' : ''}
      </span>
    </Button>
  );
}

/** A line to paste somewhere, with its copy button. */
export function CopyLine({ text, label, multiline = false }: { text: string; label: string; multiline?: boolean }) {
  return (
    <div className="flex items-start gap-1 rounded-lg border bg-sunken p-1 pl-3">
      <Scroll label={label} className="min-w-0 flex-1 py-1.5 font-mono text-xs leading-5">
        <pre className={multiline ? '' : 'whitespace-pre-wrap break-words'}>{text}</pre>
      </Scroll>
      <CopyButton text={text} label={`Copy ${label}`} />
    </div>
  );
}
