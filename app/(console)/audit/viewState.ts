import type { AuditSort, ViewRow } from '../../data/types';

/** What a view keeps of the URL. */
interface Search {
  q: string;
  range: string;
  from: string | null;
  to: string | null;
  sort: AuditSort;
  cols: string[];
}

const instant = (text: string | null): Date | null => {
  const at = text === null ? null : new Date(text);
  return at === null || Number.isNaN(at.getTime()) ? null : at;
};

/** The page's search as the API keeps it. Relative ranges stay relative: a view is looked at again. */
export function viewOfState({ q, range, from, to, sort, cols }: Search) {
  const fixed = from !== null || to !== null;
  return { q, range: fixed ? null : range, from: instant(from), to: instant(to), sort, columns: [...cols] };
}

const SORTS: readonly AuditSort[] = ['newest', 'oldest', 'slowest', 'largest'];

/** The URL that shows a view; null takes a parameter out of it. */
export function searchOfView({ q, range, from, to, sort, columns }: Pick<ViewRow, 'q' | 'range' | 'from' | 'to' | 'sort' | 'columns'>) {
  return {
    q: q === '' ? null : q,
    range,
    from: from?.toISOString() ?? null,
    to: to?.toISOString() ?? null,
    sort: SORTS.find((one) => one === sort) ?? null,
    cols: columns.length === 0 ? null : columns,
  };
}

/** Whether the page shows exactly this view. */
export function isView(view: Parameters<typeof searchOfView>[0], state: Search): boolean {
  const now = viewOfState(state);
  return (
    view.q === now.q &&
    view.sort === now.sort &&
    view.range === now.range &&
    view.from?.getTime() === now.from?.getTime() &&
    view.to?.getTime() === now.to?.getTime() &&
    view.columns.join() === now.columns.join()
  );
}
