import { accessBytes, type PlainAccess } from '@mirrorspace/core/driver';
import type { MailWriter } from './mail-writer.js';

/** A plain access that travels in parts, as many as it takes. */
export class AccessParts {
  readonly #writer: MailWriter;
  /** Bytes of it that are done, and those that are when the part that was sent has ended. */
  #done = 0;
  #doneThen = 0;
  /** What was read so far: it reaches the caller only if all of it succeeds. */
  #read: Uint8Array | undefined;

  constructor(writer: MailWriter) {
    this.#writer = writer;
  }

  /** Adds the next part to the mail. */
  send(command: PlainAccess, place: number): void {
    this.#doneThen = this.#writer.access(command, place, this.#done);
  }

  /** Takes what the part left in the mail. `false`: there are more. */
  take(command: PlainAccess): boolean {
    const from = this.#done;
    const total = accessBytes(command);
    const isLast = this.#doneThen === total;
    this.#done = isLast ? 0 : this.#doneThen;
    if (command.kind === 'read') {
      const data = this.#writer.readData(this.#doneThen - from);
      if (from === 0 && isLast) command.into.set(data);
      else (this.#read ??= new Uint8Array(total)).set(data, from);
      if (isLast && this.#read !== undefined) command.into.set(this.#read);
      if (isLast) this.#read = undefined;
    } else if (command.kind === 'atomicAdd') {
      const data = this.#writer.readData(4);
      command.previous[0] = new DataView(data.buffer, data.byteOffset).getUint32(0, true);
    } else this.#writer.skip();
    return isLast;
  }

  /** The access failed. */
  forget(): void {
    this.#done = 0;
    this.#read = undefined;
  }
}
