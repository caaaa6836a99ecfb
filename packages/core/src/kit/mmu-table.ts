import type { DeviceMmu } from '../driver/device.js';
import { MirrorError } from '../driver/errors.js';

const MMU_IDS = 65_536;

/**
 * The open MMUs of a device. Ids go up and start again at 0 only after 65,535, so that a command for an MMU that was closed
 * is told from one for an MMU that never was, and does not reach the next one.
 */
export class MmuTable<M extends DeviceMmu> {
  readonly #device: string;
  readonly #mmus = new Map<number, M>();
  #issued = 0;

  /** @param device its name, for messages */
  constructor(device: string) {
    this.#device = device;
  }

  /** Adds the MMU that `create` makes for a free id. @throws MirrorError `UNSUPPORTED` when all ids are taken */
  open(create: (id: number) => M): M {
    if (this.#mmus.size >= MMU_IDS) {
      throw new MirrorError('UNSUPPORTED', `${this.#device} has ${MMU_IDS} MMUs at most; close one.`, {
        device: this.#device,
      });
    }
    let id = this.#issued++ % MMU_IDS;
    while (this.#mmus.has(id)) id = this.#issued++ % MMU_IDS;
    const mmu = create(id);
    this.#mmus.set(id, mmu);
    return mmu;
  }

  /** The open MMU with this id. @throws MirrorError `CLOSED` */
  get(id: number): M {
    const mmu = this.#mmus.get(id);
    if (mmu === undefined) throw this.closed(id);
    return mmu;
  }

  /** What `CheckContext.mmu` answers. */
  readonly lookup = (id: number): M | 'closed' | undefined =>
    this.#mmus.get(id) ?? (id < this.#issued ? 'closed' : undefined);

  /** Takes an MMU out. `false`: it was not open. */
  delete(id: number): boolean {
    return this.#mmus.delete(id);
  }

  /** The error of what was asked of an MMU that is closed. */
  closed(id: number): MirrorError {
    return new MirrorError('CLOSED', `MMU ${id} of ${this.#device} was closed.`, { device: this.#device });
  }
}
