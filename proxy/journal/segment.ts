import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import type { JournalFiles } from './files';
import { encodeFrame, encodeHeader, FrameKind, JOURNAL_VERSION } from './frames';
import { segmentFile } from './places';

/** How far a segment is extended at once: room is taken before it is needed, so that a group that was promised its place can be written. */
const STEP_BYTES = 1024 * 1024;
const ZEROS = Buffer.alloc(STEP_BYTES);

/** One file being written. Everything in it is either written or zeros; `end` is where the next byte goes. */
export class Segment {
  readonly number: number;
  readonly salt: number;
  /** Behind the last byte that was written. */
  end: number;
  readonly #files: JournalFiles;
  readonly #path: string;
  readonly #file: number;
  readonly #headerBytes: number;
  /** Bytes that the file has, zeros included. */
  #sizeBytes = 0;
  /** Syncs on their way; the file is closed behind the last of them. */
  #syncs = 0;
  #over = false;

  /** @throws Error where there is no room for it; then nothing of it is left */
  constructor(files: JournalFiles, directory: string, number: number, firstSeq: number) {
    this.number = number;
    this.salt = randomInt(2 ** 32);
    this.#files = files;
    this.#path = join(directory, segmentFile(number));
    this.#file = files.create(this.#path);
    const header = encodeHeader({ version: JOURNAL_VERSION, segment: number, salt: this.salt, firstSeq });
    this.end = header.length;
    this.#headerBytes = header.length;
    try {
      this.#put(header, header.length, 0);
      this.#sizeBytes = header.length;
      this.makeRoom(1);
    } catch (error) {
      this.discard();
      throw error;
    }
  }

  /** Something stands behind its header. */
  get begun(): boolean {
    return this.end > this.#headerBytes;
  }

  /** Sees to it that `count` bytes behind `end` are there. @throws Error where the disk has no room for them */
  makeRoom(count: number): void {
    while (this.end + count > this.#sizeBytes) {
      const taken = this.#files.write(this.#file, ZEROS, ZEROS.length, this.#sizeBytes);
      if (taken === 0) throw Object.assign(new Error('the disk took nothing'), { code: 'ENOSPC' });
      this.#sizeBytes += taken;
    }
  }

  /** One write, into room that is there. @throws Error when it failed; what is in the file then is not known */
  write(bytes: Buffer, length: number): void {
    this.#put(bytes, length, this.end);
    this.end += length;
  }

  #put(bytes: Uint8Array, length: number, position: number): void {
    for (let done = 0; done < length; ) {
      const count = this.#files.write(this.#file, done === 0 ? bytes : bytes.subarray(done), length - done, position + done);
      if (count === 0) throw Object.assign(new Error('the disk took nothing'), { code: 'EIO' });
      done += count;
    }
  }

  /** The file stays open until it is done. */
  sync(done: (error: Error | null) => void): void {
    this.#syncs++;
    this.#files.sync(this.#file, (error) => {
      this.#syncs--;
      if (this.#over) this.#closeFile();
      done(error);
    });
  }

  syncNow(): void {
    this.#files.syncNow(this.#file);
  }

  /** Its last words, and the room ahead is given back. @param last nothing follows in this journal */
  finish(seq: number, last: boolean): void {
    const words = encodeFrame(FrameKind.end, Buffer.from(JSON.stringify({ last })), seq, this.salt);
    this.write(words, words.length);
    this.#files.truncate(this.#file, this.end);
  }

  close(): void {
    this.#over = true;
    this.#closeFile();
  }

  /** As if it had never been made. */
  discard(): void {
    this.close();
    this.#files.remove(this.#path);
  }

  #closeFile(): void {
    if (this.#syncs === 0) this.#files.close(this.#file);
  }
}
