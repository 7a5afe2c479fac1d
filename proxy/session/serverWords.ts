import { maskFields, maskWords } from '../masking/detect/words';
import { decodeFields, decodeParameterStatus, encodeParameterStatus } from '../wire/backend';
import { encodingChanged } from '../wire/errors';
import { Backend } from '../wire/messages';
import type { Disposal } from '../wire/stream';
import { MessageWriter } from '../wire/writer';
import { repositioned, splicedBehind } from './rewritten';
import { relationOf, scrubFields, type Taint } from './scrub';
import type { Session } from './session';

/** What the server says besides results: errors, notices, notifications and settings, with the masked values taken out. */
export class ServerWords {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  /** An ErrorResponse, in its place among the answers. */
  error(bytes: Buffer): void {
    const taint = this.#taintOf(bytes);
    this.#session.toClient.append(
      this.#looked(Backend.errorResponse, taint === 'none' ? bytes : scrubFields(Backend.errorResponse, bytes, taint)),
    );
  }

  /** A statement that names nothing masked can still make a cascade or a trigger fail on a row that is. */
  #taintOf(bytes: Buffer): Taint {
    const session = this.#session;
    if (session.taint !== 'none') return session.taint;
    if (!session.services.mayBeMasked(session.facts)) return 'none';
    const view = session.services.view(session.facts);
    if (view instanceof Promise) {
      view.catch(() => undefined);
      return 'masked';
    }
    if (view.masks.empty) return 'none';
    const relation = relationOf(bytes);
    return relation !== null && view.masks.taintedRelations.has(relation) ? 'masked' : 'none';
  }

  notice(bytes: Buffer): Disposal {
    const spliced = splicedBehind(this.#session.protocol.head);
    const shown = spliced === null ? bytes : repositioned(Backend.noticeResponse, bytes, decodeFields(bytes), spliced);
    const taint = this.#taintOf(shown);
    const scrubbed = this.#looked(Backend.noticeResponse, taint === 'none' ? shown : scrubFields(Backend.noticeResponse, shown, taint));
    if (scrubbed === bytes) return 'pass';
    this.#session.toClient.appendAside(scrubbed);
    return 'taken';
  }

  /** An error or notice after the rules about content looked into its words. */
  #looked(type: number, bytes: Buffer): Buffer {
    const { services, facts } = this.#session;
    const rules = services.detecting(facts);
    return rules.length === 0 ? bytes : maskFields(type, bytes, rules, services.hashKey);
  }

  /** A payload is another session's words and may be a masked value; a session under masks learns only that something happened. */
  notification(bytes: Buffer): Disposal {
    const session = this.#session;
    if (!session.services.mayBeMasked(session.facts)) return 'pass';
    const view = session.services.view(session.facts);
    // While the catalog is not known neither are the masks; that it cannot be read is told to whoever needs it.
    if (view instanceof Promise) view.catch(() => undefined);
    else if (view.masks.empty && !this.#holdsContent(bytes.toString('utf8', bytes.indexOf(0, 9) + 1))) return 'pass';
    const channelEnd = bytes.indexOf(0, 9);
    const channel = bytes.toString('utf8', 9, channelEnd);
    const payload = bytes.toString('utf8', channelEnd + 1, bytes.length - 1);
    // What this session has said itself is no news to it.
    if (session.notifications.has(bytes.readInt32BE(5), channel, payload)) return 'pass';
    const writer = new MessageWriter()
      .begin(Backend.notificationResponse)
      .bytes(bytes.subarray(5, channelEnd + 1))
      .cstring('');
    session.toClient.appendAside(writer.end().take());
    return 'taken';
  }

  /** Whether an enforced rule about content finds something in what the server says of itself. */
  #holdsContent(words: string): boolean {
    const { services, facts } = this.#session;
    const rules = services.detecting(facts);
    return rules.length > 0 && maskWords(words, rules, services.hashKey) !== words;
  }

  parameterStatus(bytes: Buffer): Disposal {
    const { name, value } = decodeParameterStatus(bytes);
    if (name === 'client_encoding' && value !== 'UTF8') throw encodingChanged(name);
    if (name === 'standard_conforming_strings' && value !== 'on') throw encodingChanged(name);
    if (this.#holdsContent(value)) return 'taken';
    const own = this.#session.applicationName;
    if (name === 'application_name' && own !== null && value === own.sent) {
      this.#session.toClient.appendAside(encodeParameterStatus(name, own.shown));
      return 'taken';
    }
    // Code nobody read may have put a value into a setting that the server reports.
    return this.#session.taint === 'opaque' && name === 'application_name' ? 'taken' : 'pass';
  }
}
