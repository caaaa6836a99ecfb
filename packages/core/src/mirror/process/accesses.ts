import { hex, rangeOf } from '../../address/index.js';
import { type AccessCommand, type DeviceMmu, hasSettled, MirrorError } from '../../driver/index.js';
import { whenSettled } from '../../kit/index.js';
import type { SpaceState } from '../../space/index.js';
import { checkValue } from '../check-value.js';
import type { Ahead } from './ahead.js';
import { claim, type Claim } from './claims.js';
import { type Piece, piecesOf } from './pieces.js';
import type { ProcessPool } from './process-pool.js';

/** A command for a part of an access: where the process has it, where in the whole it begins, and how long it is. */
type CommandFor = (at: number, offset: number, bytes: number) => AccessCommand;

/** The mirror whose accesses they are. */
export interface AccessOwner {
  /** @throws MirrorError where the mirror takes no accesses any more */
  checkOpen(): void;
  /** Hears of an access that is about to be made. */
  accessed(address: number, bytes: number, write: boolean): void;
}

/** What a device that mirrors the process does with bytes of a space: by its rights, when the CPU holds none of them. */
export class Accesses {
  constructor(
    private readonly space: SpaceState,
    private readonly pool: ProcessPool,
    private readonly mmu: DeviceMmu,
    private readonly ahead: Ahead,
    private readonly owner: AccessOwner,
  ) {}

  async read(address: number, bytes: number): Promise<Uint8Array> {
    this.owner.checkOpen();
    rangeOf(address, bytes);
    const into = new Uint8Array(bytes);
    await this.access(address, bytes, false, (at, offset, length) => ({
      kind: 'read',
      mmu: this.mmu.id,
      address: at,
      into: into.subarray(offset, offset + length),
    }));
    return into;
  }

  async write(address: number, from: Uint8Array): Promise<void> {
    this.owner.checkOpen();
    if (!(from instanceof Uint8Array)) throw new TypeError('write takes a Uint8Array');
    rangeOf(address, from.byteLength);
    const copy = from.slice();
    await this.access(address, copy.length, true, (at, offset, length) => ({
      kind: 'write',
      mmu: this.mmu.id,
      address: at,
      from: copy.subarray(offset, offset + length),
    }));
  }

  async fill(address: number, bytes: number, value: number): Promise<void> {
    this.owner.checkOpen();
    rangeOf(address, bytes);
    checkValue(value, 0, 255);
    await this.access(address, bytes, true, (at, _offset, length) => ({
      kind: 'fill',
      mmu: this.mmu.id,
      address: at,
      bytes: length,
      value,
    }));
  }

  async atomicAdd(address: number, value: number): Promise<number> {
    this.owner.checkOpen();
    rangeOf(address, 4);
    if (address % 4 !== 0) throw new RangeError(`address must be a multiple of 4, got ${address}`);
    checkValue(value, -(2 ** 31), 2 ** 32 - 1);
    const previous = new Uint32Array(1);
    const command = (at: number) => ({ kind: 'atomicAdd', mmu: this.mmu.id, address: at, value, previous }) as const;
    await this.access(address, 4, true, command);
    return previous[0]!;
  }

  /** Makes an access of the device, a command for each part of the process's memory. */
  private async access(address: number, bytes: number, write: boolean, command: CommandFor): Promise<void> {
    const { space, pool } = this;
    if (bytes === 0) return;
    const range = space.pageRange(address, bytes);
    const pieces = () => {
      space.checkAccess(range.start, range.end, write);
      return piecesOf(space, range.start, range.end);
    };
    // Nothing is brought while the CPU holds it, and it may come to hold it while something is brought.
    for (const { end } of await claim(space, pieces, write, pool.timeoutMs)) end();
    this.owner.checkOpen();
    this.owner.accessed(address, bytes, write);
    await this.ahead.of(pieces(), write);
    const claims = await claim(space, pieces, write, pool.timeoutMs);
    let sent = 0;
    try {
      for (const part of claims) {
        this.owner.checkOpen();
        const { piece } = part;
        checkStill(space, piece, write);
        const from = Math.max(address, piece.start);
        const to = Math.min(address + bytes, piece.start + piece.bytes);
        const at = piece.address + from - piece.start;
        await this.send(part, command(at, from - address, to - from), () => sent++);
      }
    } finally {
      for (const { end } of claims.slice(sent)) end();
    }
  }

  /** Sends the command of a claim, which lasts until the device is done, also where nobody waits any more. */
  private async send({ end }: Claim, command: AccessCommand, sent: () => void): Promise<void> {
    const fence = this.pool.submit(command, false);
    sent();
    try {
      await this.pool.wait(fence);
    } finally {
      if (hasSettled(fence)) end();
      else whenSettled(fence, end);
    }
  }
}

/**
 * While the device did what comes before, or since it was claimed, a piece may have been unmapped: its addresses in the process may be somebody else's by now.
 * @throws MirrorError `ADDRESS_NOT_MAPPED`, `ACCESS_DENIED`
 */
function checkStill(space: SpaceState, { region, start, bytes, address }: Piece, write: boolean): void {
  space.checkAccess(start, start + bytes, write);
  for (const now of piecesOf(space, start, start + bytes))
    if (now.region.object !== region.object || now.address - now.start !== address - start)
      throw new MirrorError(
        'ADDRESS_NOT_MAPPED',
        `what was mapped at ${hex(now.start)} was unmapped while a device accessed it; other memory is there now`,
        { address: now.start },
      );
}
