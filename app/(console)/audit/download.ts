/** A search as an export takes it; the instants are fixed, so the file says what the page showed. */
export interface ExportSearch {
  q: string;
  from: Date | null;
  to: Date | null;
  sort: string;
}

/**
 * Fetches an export and saves it as a file when the last byte is here: half a file never looks like a whole one. Rows are counted by line
 * ends, so of CSV with line breaks in its texts the progress is a little high, and the heading is one.
 *
 * @throws Error in the gateway's words, or when the stream breaks off or is stopped
 */
export async function download(
  search: ExportSearch,
  format: 'csv' | 'jsonl',
  signal: AbortSignal,
  onProgress: (progress: { rows: number; bytes: number }) => void,
): Promise<{ rows: number }> {
  const response = await fetch('/api/audit/export', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...search, format }),
    signal,
  });
  if (!response.ok || response.body === null) throw new Error(await wordsOf(response));
  const name = /filename="([^"]+)"/.exec(response.headers.get('content-disposition') ?? '')?.[1] ?? `statements.${format}`;
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  let lines = 0;
  let shownAt = 0;
  const reader = response.body.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    parts.push(next.value);
    bytes += next.value.length;
    for (const byte of next.value) if (byte === 10) lines += 1;
    if (performance.now() - shownAt > 100) {
      shownAt = performance.now();
      onProgress({ rows: lines, bytes });
    }
  }
  const type = response.headers.get('content-type') ?? 'application/octet-stream';
  save(new Blob(parts, { type }), name);
  return { rows: format === 'csv' ? Math.max(0, lines - 1) : lines };
}

function save(file: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

async function wordsOf(response: Response): Promise<string> {
  try {
    const { error } = (await response.json()) as { error?: unknown };
    if (typeof error === 'string') return error;
  } catch {
    // Not our own words: the status has to do.
  }
  return `the gateway answered ${response.status}`;
}
