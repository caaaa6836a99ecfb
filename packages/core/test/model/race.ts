import type { AddressSpace, JsProgram, Mirror } from '@mirrorspace/core';
import fc from 'fast-check';
import { agreeOnBytes, mirrorOf, type Scene } from './scene.js';
import type { Member } from './world.js';

/** Lanes meet: on words that all write, on a counter that all add to, or in a copy of the whole space. */
export interface RaceOperation {
  readonly kind: 'race';
  readonly how: 'cpuWrite' | 'cpuRead' | 'deviceWrite' | 'deviceRead' | 'store' | 'count' | 'fork' | 'toHost';
  readonly word: number;
  readonly device: number;
}

export const raceOperation: fc.Arbitrary<RaceOperation> = fc.record({
  kind: fc.constant('race'),
  how: fc.constantFrom<RaceOperation['how'][]>(
    'cpuWrite',
    'cpuRead',
    'deviceWrite',
    'deviceRead',
    'store',
    'count',
    'count',
    'fork',
    'toHost',
  ),
  word: fc.nat({ max: 3 }),
  device: fc.nat({ max: 1 }),
});

/** Stores one word. */
const store: JsProgram = {
  language: 'js',
  run(ctx, _id, [at, value]) {
    ctx.store32(at!, value!);
  },
};

const WORDS = 4;

/** Two pages that all lanes use: words with the set of values they may have, and a counter with bounds. */
export class Race {
  private readonly start: number;
  private readonly pageSize: number;
  private readonly written = Array.from({ length: WORDS }, () => new Set([0]));
  /** Additions that began, and that ended. */
  private begun = 0;
  private ended = 0;
  private next = 1;

  private constructor(start: number, pageSize: number) {
    this.start = start;
    this.pageSize = pageSize;
  }

  static create(member: Member, start: number): Promise<Race> {
    const { space, plain } = member;
    space.map({ bytes: 2 * plain.pageSize, address: start, fixed: true });
    const end = start + 2 * plain.pageSize;
    plain.map({ start, end, access: 'read-write', shared: false, object: undefined, objectPage: 0 });
    return Promise.resolve(new Race(start, plain.pageSize));
  }

  async perform(scene: Scene, op: RaceOperation): Promise<void> {
    const member = scene.members[0]!;
    const mirror = mirrorOf(member, op.device)!;
    const { space } = member;
    switch (op.how) {
      case 'cpuRead':
        return this.read(op.word, (at) => space.read(at, 4));
      case 'deviceRead':
        return this.read(op.word, (at) => mirror.read(at, 4));
      case 'count':
        return this.count(mirror);
      case 'fork':
        return this.fork(space, member);
      case 'toHost':
        await mirror.migrate(this.start, 2 * this.pageSize, 'host');
        return;
      default:
        await this.write(space, mirror, op);
    }
  }

  /** At the end: every word has one of its values, the counter has counted all. */
  async check({ space, plain }: Member): Promise<void> {
    for (let i = 0; i < WORDS; i++) {
      const value = word(await space.read(this.at(i), 4));
      this.checkWord(i, value);
      plain.store32(this.at(i), value);
    }
    plain.store32(this.counter, this.begun);
  }

  private get counter(): number {
    return this.start + this.pageSize;
  }

  /** Two words on each side of a page boundary's neighbourhood; all on the first page. */
  private at(index: number): number {
    return this.start + (index % 2) * (this.pageSize - 8) + (index >> 1) * 4;
  }

  private checkWord(index: number, value: number): void {
    if (this.written[index]!.has(value)) return;
    throw new Error(`word ${index} is ${value}; it can only be one of ${[...this.written[index]!].join()}`);
  }

  /** A read takes effect at some moment between its call and its end: a write may begin after that, and end before. */
  private async read(index: number, read: (at: number) => Promise<Uint8Array>): Promise<void> {
    const zero = this.written[index]!.has(0);
    const value = word(await read(this.at(index)));
    if (value !== 0 || !zero) this.checkWord(index, value);
  }

  private async write(space: AddressSpace, mirror: Mirror, op: RaceOperation): Promise<void> {
    const value = this.next++ * 0x01010101;
    const bytes = new Uint8Array(Uint32Array.of(value).buffer);
    const at = this.at(op.word);
    this.written[op.word]!.add(value);
    if (op.how === 'cpuWrite') await space.write(at, bytes);
    else if (op.how === 'deviceWrite') await mirror.write(at, bytes);
    else await mirror.launch(store, { args: [at, value] }).wait({ timeoutMs: 8000 });
    // Whoever reads from now on cannot find what was there at first.
    this.written[op.word]!.delete(0);
  }

  private async count(mirror: Mirror): Promise<void> {
    const least = this.ended;
    this.begun++;
    const before = await mirror.atomicAdd(this.counter, 1);
    if (before < least || before >= this.begun)
      throw new Error(`counted from ${before}: not in ${least} to ${this.begun - 1}`);
    this.ended++;
  }

  /** A copy is of one moment: this lane's pages are exact in it, the counter and the words are plausible. */
  private async fork(space: AddressSpace, { plain }: Member): Promise<void> {
    const least = this.ended;
    const zeros = this.written.map((values) => values.has(0));
    const child = await space.fork();
    const counter = word(await child.read(this.counter, 4));
    if (counter < least || counter > this.begun)
      throw new Error(`a fork counts ${counter}: not in ${least} to ${this.begun}`);
    for (let i = 0; i < WORDS; i++) {
      const value = word(await child.read(this.at(i), 4));
      if (value !== 0 || !zeros[i]) this.checkWord(i, value);
    }
    for (const region of plain.regions) {
      const { start, access, shared } = region;
      const end = plain.endOf(region);
      if (access === 'none' || start >= end) continue;
      agreeOnBytes('in a fork', start, await child.read(start, end - start), plain.read(start, end - start));
      if (!shared && access === 'read-write') await child.write(start, Uint8Array.of(0xee));
    }
    await child.close();
  }
}

function word(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
}
