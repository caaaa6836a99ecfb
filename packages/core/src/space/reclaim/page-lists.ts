import type { EvictionFactory } from '../../policy/index.js';
import { PageOrder } from './page-order.js';

/**
 * In which order pages of a host memory would be reclaimed. Ordinary pages stand on one list; pages in use by a device do not
 * (R5). Those stand on the lists of their devices, which are the devices' own eviction policies, or, in the global form, on one
 * more list here. Source: the special LRU of the 2014 RFC.
 */
export class PageLists {
  readonly ordinary: PageOrder;
  /** Pages in use by any device, in the global form. */
  readonly inUse: PageOrder | undefined;
  /** Pages in use by any device, in either form. */
  used = 0;

  /** @param pageSize in bytes */
  constructor(order: EvictionFactory, global: boolean, pageSize: number) {
    this.ordinary = new PageOrder(order, pageSize);
    this.inUse = global ? new PageOrder(order, pageSize) : undefined;
  }

  /** Bytes of memory they take. */
  get bytes(): number {
    return this.ordinary.bytes + (this.inUse?.bytes ?? 0);
  }

  /** A page was made, or is on no device any more. */
  toHost(page: number): void {
    this.ordinary.insert(page);
  }

  /** A page that was on no device is on one. */
  toDevice(page: number): void {
    this.ordinary.remove(page);
    this.inUse?.insert(page);
    this.used++;
  }

  /** A page that was on a device is on none. */
  offDevice(page: number): void {
    this.inUse?.remove(page);
    this.used--;
    this.ordinary.insert(page);
  }

  /** The CPU, or a device, accessed a page. */
  touch(page: number): void {
    this.ordinary.touch(page);
    this.inUse?.touch(page);
  }

  /** A page has another number, on the list where it was. */
  renumber(page: number, to: number, onDevice: boolean): void {
    this.ordinary.remove(page);
    this.inUse?.remove(page);
    if (onDevice) {
      this.ordinary.remove(to);
      this.inUse?.insert(to);
    } else this.ordinary.insert(to);
  }

  /** A page that is on no device is freed. */
  leave(page: number): void {
    this.ordinary.remove(page);
  }
}
