import { findKeys } from './apiKey';
import { findCards } from './creditCard';
import { findEmails } from './email';
import { findIbans } from './iban';
import { findPhones } from './phone';
import { API_KEY, CREDIT_CARD, EMAIL, IBAN, PHONE, type Scan, SSN } from './scan';
import { findSsns } from './ssn';

/** Runs the detectors of a set over the text of a scan; what they find is in its spans, by detector and then by place. */
export function find(scan: Scan, detectors: number): void {
  if ((detectors & (1 << API_KEY)) !== 0) findKeys(scan);
  if ((detectors & (1 << EMAIL)) !== 0) findEmails(scan);
  if ((detectors & (1 << CREDIT_CARD)) !== 0) findCards(scan);
  if ((detectors & (1 << IBAN)) !== 0) findIbans(scan);
  if ((detectors & (1 << SSN)) !== 0) findSsns(scan);
  if ((detectors & (1 << PHONE)) !== 0) findPhones(scan);
}
