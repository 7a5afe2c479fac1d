import {
  BellRing,
  BookCheck,
  Cable,
  ChartNoAxesColumn,
  CircleUser,
  DoorOpen,
  EyeOff,
  FileCode2,
  Gauge,
  IdCard,
  type LucideIcon,
  ScrollText,
  ShieldQuestion,
  SquareTerminal,
  Users,
} from 'lucide-react';
import type { Me } from '../data/types';

export interface ConsolePage {
  href: string;
  name: string;
  icon: LucideIcon;
  /** `own` is behind the viewer's name, not in the menu. */
  section: 'work' | 'policy' | 'set-up' | 'own';
  /** Who the API answers here (server/identity/permission.ts); the menu only follows it. */
  roles: readonly Me['role'][];
  words: string;
}

const ALL = ['admin', 'reviewer', 'auditor', 'member'] as const;
const READERS = ['admin', 'reviewer', 'auditor'] as const;

export const PAGES: readonly ConsolePage[] = [
  { href: '/', name: 'Overview', icon: Gauge, section: 'work', roles: ALL, words: 'home first run start' },
  { href: '/approvals', name: 'Approvals', icon: ShieldQuestion, section: 'work', roles: ALL, words: 'queue held requests review' },
  { href: '/access', name: 'Access requests', icon: DoorOpen, section: 'work', roles: ALL, words: 'ask connection time reviewers revoke' },
  { href: '/sessions', name: 'Sessions', icon: SquareTerminal, section: 'work', roles: ALL, words: 'clients open terminate' },
  { href: '/audit', name: 'Audit', icon: ScrollText, section: 'work', roles: ALL, words: 'statements log search integrity checkpoint' },
  { href: '/reports', name: 'Daily report', icon: ChartNoAxesColumn, section: 'work', roles: ALL, words: 'day unusual off hours print' },
  { href: '/rules', name: 'Rules', icon: BookCheck, section: 'policy', roles: READERS, words: 'policy hold deny allow check' },
  { href: '/masking', name: 'Masking', icon: EyeOff, section: 'policy', roles: READERS, words: 'policy columns redact pii coverage' },
  { href: '/policy', name: 'Policy as code', icon: FileCode2, section: 'policy', roles: READERS, words: 'yaml apply export' },
  { href: '/connections', name: 'Connections', icon: Cable, section: 'set-up', roles: ALL, words: 'databases upstream dsn' },
  { href: '/principals', name: 'Principals', icon: Users, section: 'set-up', roles: READERS, words: 'agents people tokens groups access' },
  {
    href: '/identity',
    name: 'Identity',
    icon: IdCard,
    section: 'set-up',
    roles: READERS,
    words: 'oidc saml providers single sign-on subjects',
  },
  {
    href: '/notifications',
    name: 'Notifications',
    icon: BellRing,
    section: 'set-up',
    roles: READERS,
    words: 'slack teams webhook email alerts',
  },
  { href: '/account', name: 'Your account', icon: CircleUser, section: 'own', roles: ALL, words: 'passkeys security sign-in me' },
];

export const SECTIONS = [
  { key: 'work', name: null },
  { key: 'policy', name: 'Policy' },
  { key: 'set-up', name: 'Set-up' },
] as const;

export const isCurrent = (pathname: string, href: string): boolean =>
  href === '/' ? pathname === '/' : pathname === href || pathname.startsWith(`${href}/`);
