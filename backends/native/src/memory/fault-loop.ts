import type { Userfault } from '../addon/userfault.js';
import { AT_ONCE, type FaultDelivery, type FaultHandler, type FaultNews, NUMBERS } from './fault-list.js';

/** A wait ends at the latest so long after the last range did: nothing stays of a memory that nobody uses. */
const LONGEST_MS = 1000;
const RETRY_MS = 5;

/**
 * Tells of accesses to withheld pages, from the event loop of the thread that made it, as long as any range is open; a thread of the addon reads them. It does
 * not keep its thread alive: whoever waits for a page is a thread that does.
 */
export class FaultLoop implements FaultDelivery {
  private told: FaultHandler | undefined;
  private running = false;
  private ranges = 0;
  private readonly numbers = new Float64Array(NUMBERS * AT_ONCE);

  constructor(
    private readonly faults: Userfault,
    private readonly news: FaultNews,
  ) {}

  get handler(): FaultHandler | undefined {
    return this.told;
  }

  set handler(handler: FaultHandler | undefined) {
    this.told = handler;
    this.start();
  }

  opened(): void {
    this.ranges++;
    this.start();
  }

  closed(): void {
    this.ranges--;
  }

  private get wanted(): boolean {
    return this.told !== undefined && this.ranges > 0 && !this.faults.closed;
  }

  private start(): void {
    if (this.running || !this.wanted) return;
    this.running = true;
    void this.run();
  }

  private async run(): Promise<void> {
    while (this.wanted) {
      try {
        if (await this.faults.ready(LONGEST_MS, false)) this.tell();
      } catch (error) {
        if ((error as { code?: string }).code !== 'BUSY') break;
        await new Promise<void>((resolve) => setTimeout(resolve, RETRY_MS).unref());
      }
    }
    this.running = false;
  }

  private tell(): void {
    const { told, numbers } = this;
    const count = told === undefined ? 0 : this.faults.wait(numbers, 0);
    if (count > 0) this.news.tell(told!, numbers, count);
  }
}
