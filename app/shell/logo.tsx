/** A gatehouse: an arch between two towers, its portcullis half down. */
export const Logo = ({ className }: { className?: string }) => (
  <svg viewBox="0 0 32 32" className={className} aria-hidden="true" fill="none">
    <rect width="32" height="32" rx="8" fill="var(--accent)" />
    <path d="M7 25V9.5h2.2v2h2.3v-2h9v2h2.3v-2H25V25" stroke="#fff" strokeWidth="2" strokeLinejoin="round" strokeLinecap="round" />
    <path d="M11.5 25v-5.5a4.5 4.5 0 0 1 9 0V25" stroke="#fff" strokeWidth="2" strokeLinecap="round" />
    <path d="M14.4 16.6v5.2M17.6 16.6v5.2M12.2 19.6h7.6" stroke="#fff" strokeWidth="1.5" strokeLinecap="round" />
  </svg>
);
