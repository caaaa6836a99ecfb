import type { AddressSpace, Mirror } from '@mirrorspace/core';
import { bytesEqual } from './check.js';

/** Pages under test: a region, or a part of one. */
export class PageSpan {
  constructor(
    private readonly rig: { readonly space: AddressSpace; readonly mirror: Mirror; readonly pageSize: number },
    /** First byte address. */
    readonly address: number,
    /** Length in pages. */
    readonly pages: number,
  ) {}

  /** Length in bytes. */
  get bytes(): number {
    return this.pages * this.rig.pageSize;
  }

  /** Byte address in a page of the area. */
  at(page: number, offset = 0): number {
    return this.address + page * this.rig.pageSize + offset;
  }

  /** Fails unless CPU and device both read `expected` at `offset` of a page. */
  async expect(page: number, expected: Uint8Array, what: string, offset = 0): Promise<void> {
    await this.expectDevice(page, expected, what, offset);
    await this.expectCpu(page, expected, what, offset);
  }

  /** Fails unless the device reads `expected`. */
  async expectDevice(page: number, expected: Uint8Array, what: string, offset = 0): Promise<void> {
    bytesEqual(
      await this.rig.mirror.read(this.at(page, offset), expected.length),
      expected,
      `${what}, read on the device`,
    );
  }

  /** Fails unless the CPU reads `expected`. */
  async expectCpu(page: number, expected: Uint8Array, what: string, offset = 0): Promise<void> {
    bytesEqual(await this.rig.space.read(this.at(page, offset), expected.length), expected, `${what}, read on the CPU`);
  }
}
