import { BIT_DIRTY, type CopyInCommand, type CopyOutCommand, MirrorError, ZERO_FRAME } from '@mirrorspace/core/driver';
import { constants } from 'node:fs';
import type { Descriptor } from '../addon/descriptor.js';
import { addon } from '../addon/load.js';
import type { Mapping } from '../addon/mapping.js';
import { DRM } from './abi.js';
import type { DrmRequests } from './file.js';

/** Bytes of a frame: a line of the buffer, of 1024 pixels of 32 bits. */
export const FRAME = 4096;
const BITS = 32;

/** Milliseconds that one wait for a buffer's fences takes at most: then it looks whether it is still to wait. */
const LOOK_MS = 250;
/** `O_CLOEXEC`, which Node has no name for: no child process gets the file. */
const CLOEXEC = 0o2000000;
/** As of `poll(2)`. */
const POLL = { read: 1, write: 4 } as const;

/** The frames of a device: one dumb buffer, mapped, a line a frame. */
export class Frames {
  /** All of them. */
  readonly bytes: Uint8Array;
  private readonly handle: number;
  private readonly mapping: Mapping;
  private readonly shared: Descriptor;
  private closed = false;
  private ended: MirrorError | undefined;

  /** @throws MirrorError with the system's error as cause */
  constructor(
    private readonly file: DrmRequests,
    count: number,
  ) {
    const { handle, pitch, size } = file.ask(DRM.createDumb, {
      width: (FRAME * 8) / BITS,
      height: count,
      bpp: BITS,
    }).value;
    this.handle = handle;
    const bytes = count * FRAME;
    if (pitch !== FRAME || size < bytes) {
      const text = `the buffer has ${size} bytes in lines of ${pitch}, not ${bytes} in lines of ${FRAME}`;
      throw new MirrorError('UNSUPPORTED', `${file.device}: ${text}`, { device: file.device });
    }
    const { offset } = file.ask(DRM.mapDumb, { handle }).value;
    this.shared = this.share();
    try {
      this.mapping = addon().Mapping.map(file.descriptor, offset, bytes);
    } catch (error) {
      // It would keep the buffer until it is collected, also when the node is closed.
      this.shared.close();
      throw file.refused(error);
    }
    // Not counted: the collector could do nothing about it.
    this.bytes = new Uint8Array(this.mapping.arrayBuffer(0, bytes, false));
  }

  /** The buffer as a file (dma-buf) that other devices and drivers take. */
  share(): Descriptor {
    const flags = constants.O_RDWR | CLOEXEC;
    return this.file.ask(DRM.exportBuffer, { handle: this.handle, flags }).descriptor!;
  }

  /** One frame. @throws MirrorError what {@link stop} was given: whoever waited must not touch memory whose owner heard of the end */
  of(frame: number): Uint8Array {
    if (this.ended !== undefined) throw this.ended;
    return this.bytes.subarray(frame * FRAME, (frame + 1) * FRAME);
  }

  /** Waits until whoever else has work on the buffer, in whatever driver, has done it: its implicit fences. @throws (as rejection) as {@link of} */
  async ready(use: keyof typeof POLL): Promise<void> {
    if (this.ended === undefined && this.shared.look(POLL[use]) !== 0) return;
    while (this.ended === undefined && (await this.shared.poll(POLL[use], LOOK_MS)) === 0);
    if (this.ended !== undefined) throw this.ended;
  }

  /** Fails what waits, at its next look, and all that comes. */
  stop(error: MirrorError): void {
    this.ended ??= error;
  }

  /** Moves pages between host memory and frames. */
  async copy(command: CopyInCommand | CopyOutCommand): Promise<void> {
    await this.ready(command.kind === 'copyIn' ? 'write' : 'read');
    const { count, hostFrames, host } = command;
    for (let i = 0; i < count; i++) {
      const frame = this.of(command.frames[i]!);
      const home = hostFrames[i]!;
      if (home === ZERO_FRAME) frame.fill(0);
      else {
        const offset = host.offsetOf(home);
        const page = host.bufferOf(home).subarray(offset, offset + FRAME);
        if (command.kind === 'copyIn') frame.set(page);
        else if (command.when === undefined || (command.when[i]! & BIT_DIRTY) !== 0) page.set(frame);
      }
    }
  }

  /** Gives the buffer up; who imported it keeps it. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.mapping.unmap();
    this.shared.close();
    this.file.drop(DRM.destroyDumb, this.handle);
  }
}
