import { addon, IoctlDevice, type Mapping } from '@mirrorspace/native';
import { HMM, HMM_PAGE, type HmmRequest } from '@mirrorspace/native/hmm';
import assert from 'node:assert/strict';
import test from 'node:test';
import { calls } from './process.js';

export { HMM_PAGE };

/** What a snapshot says of a page, as `lib/test_hmm_uapi.h` has it. */
export const TOLD = { error: 0xff, none: 0, read: 1, write: 2, pmd: 4, zero: 0x10 } as const;

/** The two kinds of device memory, with the nodes of both devices and what a snapshot says of a page that is there. */
export const KINDS = [
  { kind: 'private', nodes: ['/dev/hmm_dmirror0', '/dev/hmm_dmirror1'], local: 0x20 },
  { kind: 'coherent', nodes: ['/dev/hmm_dmirror2', '/dev/hmm_dmirror3'], local: 0x40 },
] as const;

/** One of them. */
export type Kind = (typeof KINDS)[number];

/** What a request answers, or the name of the error that it is refused with. */
export interface Answer {
  readonly error?: string;
  readonly pages: number;
  readonly faults: number;
}

/** Memory of this process, as numbers. */
export class Memory {
  readonly mapping: Mapping;
  readonly words: Uint32Array<ArrayBuffer>;

  constructor(
    readonly pages: number,
    mapping = addon().Mapping.reserve(pages * HMM_PAGE),
  ) {
    this.mapping = mapping;
    this.words = new Uint32Array(mapping.arrayBuffer(0, pages * HMM_PAGE));
  }

  /** Sets each word to a number that says where it is. */
  fill(seed: number, from = 0): void {
    for (let i = (from * HMM_PAGE) / 4; i < this.words.length; i++) this.words[i] = seed + i;
  }

  /** Fails unless the words are what `fill` made, from a page on. */
  expect(seed: number, what: string, from = 0): void {
    for (let i = (from * HMM_PAGE) / 4; i < this.words.length; i++)
      if (this.words[i] !== seed + i) assert.fail(`${what}: word ${i} is ${this.words[i]}, not ${seed + i}`);
  }

  protect(prot: number, page = 0, pages = this.pages - page): void {
    assert.equal(calls.protect(this.mapping.address + page * HMM_PAGE, pages * HMM_PAGE, prot), 0);
  }
}

/** An open device, asked request by request. */
export class RawDevice {
  readonly file: IoctlDevice;

  constructor(path: string) {
    this.file = new IoctlDevice(path, Object.values(HMM));
  }

  /** Makes a request for pages of memory; data go to or come from `other`. */
  async ask(
    request: HmmRequest,
    memory: Memory,
    other: Memory,
    page = 0,
    pages = memory.pages - page,
  ): Promise<Answer> {
    const pointees = { addr: [memory.mapping, page * HMM_PAGE], ptr: [other.mapping, 0] } as const;
    try {
      const { value } = await this.file.start(HMM[request], { npages: pages }, pointees);
      return { pages: value.cpages, faults: value.faults };
    } catch (error) {
      return { error: (error as { code: string }).code, pages: 0, faults: 0 };
    }
  }

  /** What the device sees of each page. */
  async look(memory: Memory, page = 0, pages = memory.pages - page): Promise<number[]> {
    const flags = new Memory(Math.ceil(pages / HMM_PAGE));
    const answer = await this.ask('snapshot', memory, flags, page, pages);
    assert.deepEqual([answer.error, answer.pages], [undefined, pages]);
    return Array.from(new Uint8Array(flags.words.buffer, 0, pages));
  }

  close(): void {
    this.file.close();
  }
}

/** A test of the kernel's `hmm-tests`, on both kinds of memory. */
export function hmmTest(
  name: string,
  run: (device: RawDevice, kind: Kind, other: RawDevice) => Promise<void> | void,
): void {
  for (const kind of KINDS) {
    void test(`hmm:${name} (${kind.kind})`, async () => {
      const [device, other] = kind.nodes.map((node) => new RawDevice(node));
      try {
        await run(device!, kind, other!);
      } finally {
        device!.close();
        other!.close();
      }
    });
  }
}
