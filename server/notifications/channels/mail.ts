import type { Message } from '../message';

/** A mail's parts. A link is all that a mail offers: a GET changes nothing, and a mail may be read by a machine first. */
export function mailOf(message: Message): { subject: string; text: string; html: string } {
  const lines = [...message.lines];
  const text = [
    message.title,
    '',
    ...lines.map(({ label, value }) => `${label}: ${value}`),
    ...(message.sql === null ? [] : ['', message.sql]),
    '',
    `Open in Gatehouse: ${message.link}`,
    '',
  ].join('\n');
  const rows = lines.map(
    ({ label, value }) =>
      `<tr><th align="left" valign="top" style="padding:2px 12px 2px 0;font-weight:600">${html(label)}</th><td style="padding:2px 0">${html(value)}</td></tr>`,
  );
  const sql =
    message.sql === null
      ? ''
      : `<pre style="padding:12px;border:1px solid #d0d0d0;border-radius:6px;white-space:pre-wrap;font-family:monospace">${html(message.sql)}</pre>`;
  const body = [
    '<!doctype html><html><head><meta charset="utf-8"><meta name="color-scheme" content="light dark"></head>',
    '<body style="font-family:system-ui,sans-serif;font-size:14px;line-height:1.5">',
    `<h1 style="font-size:17px">${html(message.title)}</h1><table>${rows.join('')}</table>${sql}`,
    `<p><a href="${html(message.link)}">Open in Gatehouse</a></p></body></html>`,
  ].join('');
  // A line break in a subject would begin another header.
  return { subject: `[Gatehouse] ${message.title.replace(/[\p{C}\s]+/gu, ' ').slice(0, 180)}`, text, html: body };
}

const html = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[character] ?? '&#39;');
