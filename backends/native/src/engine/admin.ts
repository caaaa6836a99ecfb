import { LANE, MMU, STATUS } from './words.js';
import { MailWriter } from './mail-writer.js';
import { OP } from './mail.js';
import type { Shared } from './shared.js';

interface Request {
  readonly op: number;
  readonly place: number;
  readonly resolve: (status: number) => void;
}

/** The lane by which the device itself asks the engine's thread: to make page tables and to free them. */
export class AdminLane {
  readonly #shared: Shared;
  readonly #writer: MailWriter;
  readonly #at: number;
  readonly #requests: Request[] = [];
  #sent = 0;
  #flying = false;

  constructor(shared: Shared, lane: number) {
    this.#shared = shared;
    this.#writer = new MailWriter(shared, lane, []);
    this.#at = shared.layout.lane(lane);
  }

  get flying(): boolean {
    return this.#flying;
  }

  /** Makes an empty page table. `false`: there is no room for it. */
  async open(place: number, end: number): Promise<boolean> {
    const at = this.#shared.layout.mmu(place);
    this.#shared.setNumber(at, MMU.end, end);
    this.#shared.store(at, MMU.closed, 0);
    return (await this.#ask(OP.openMmu, place)) === STATUS.done;
  }

  /** Frees a page table that nothing uses. */
  async close(place: number): Promise<void> {
    await this.#ask(OP.closeMmu, place);
  }

  /** Goes on as far as it can. */
  advance(): void {
    if (this.#flying) {
      if (this.#shared.load(this.#at, LANE.done) !== this.#sent) return;
      this.#flying = false;
      this.#requests.shift()?.resolve(this.#shared.load(this.#at, LANE.status));
    }
    const next = this.#requests[0];
    if (next === undefined) return;
    this.#writer.begin();
    this.#writer.manage(next.op, next.place);
    this.#writer.end();
    this.#flying = true;
    this.#shared.store(this.#at, LANE.sent, ++this.#sent);
    this.#shared.ring();
  }

  /** The device is gone: nobody answers any more. */
  drop(): void {
    this.#flying = false;
    for (const { resolve } of this.#requests.splice(0)) resolve(STATUS.closed);
  }

  #ask(op: number, place: number): Promise<number> {
    const answer = new Promise<number>((resolve) => this.#requests.push({ op, place, resolve }));
    if (!this.#flying) this.advance();
    return answer;
  }
}
