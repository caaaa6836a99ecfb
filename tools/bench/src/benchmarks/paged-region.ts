import {
  type AddressSpace,
  createSpace,
  type Device,
  type JsProgram,
  type Mirror,
  type Region,
} from '@mirrorspace/core';
import { memory } from '@mirrorspace/memory';
import { permutation } from '../harness/random.js';

/** How the pages of a region are touched. */
export interface Plan {
  readonly pageBytes: number;
  readonly pages: number;
  /** Frames the device has. */
  readonly frames: number;
  readonly access: 'read' | 'write';
  /** Work units that the device keeps in flight, and faults that the mirror serves at once. */
  readonly units: number;
  /** Pages a launch. */
  readonly slice: number;
}

/** A region that the CPU filled, each page with its number, and a device that touches its pages in random order. */
export class PagedRegion {
  readonly plan: Plan;
  readonly mirror: Mirror;
  private readonly space: AddressSpace;
  private readonly device: Device;
  private readonly region: Region;
  private readonly toucher: JsProgram;
  private readonly checker: JsProgram;
  private readonly order: Uint32Array;
  /** Where in `order` the next launch begins. */
  private next = 0;
  /** Where the last one began. */
  private last = 0;

  private constructor(plan: Plan, space: AddressSpace, device: Device, mirror: Mirror, region: Region) {
    this.plan = plan;
    this.space = space;
    this.device = device;
    this.mirror = mirror;
    this.region = region;
    this.order = permutation(plan.pages, 1);
    this.toucher = toucher(this.order, region.address, plan);
    this.checker = checker(this.order, region.address, plan);
  }

  static async create(plan: Plan): Promise<PagedRegion> {
    const { pageBytes, pages, frames, units } = plan;
    const device = await memory.open({ memory: frames * pageBytes, residentUnits: units, faultBuffer: units });
    const space = await createSpace({ pageSize: pageBytes });
    const mirror = await space.attach(device, { eviction: 'lru', prefetch: 'none', batch: units });
    const region = space.map({ bytes: pages * pageBytes });
    {
      using held = await region.acquire('write');
      const words = held.as(Uint32Array);
      const perPage = pageBytes / 4;
      for (let i = 0; i < words.length; i++) words[i] = Math.floor(i / perPage);
    }
    return new PagedRegion(plan, space, device, mirror, region);
  }

  /** Touches the next pages in the random order, each once. */
  async touchNext(): Promise<void> {
    this.last = this.next;
    this.next = (this.next + this.plan.slice) % this.plan.pages;
    await this.launch(this.toucher);
  }

  /** Touches the pages of the last launch once more. */
  touchAgain(): Promise<void> {
    return this.launch(this.toucher);
  }

  /** Checks that the pages of the last launch hold what they should, and writes to them where the plan says so. */
  check(): Promise<void> {
    return this.launch(this.checker);
  }

  /** Touches everything once. */
  async touchAll(): Promise<void> {
    for (let done = 0; done < this.plan.pages; done += this.plan.slice) await this.touchNext();
  }

  /** Whether the next launch begins the order anew. */
  get atStart(): boolean {
    return this.next === 0;
  }

  /** Takes every page off the device, and tells it that the frames hold nothing: else the next launch would have to. */
  async empty(): Promise<void> {
    await this.mirror.migrate(this.region.address, this.region.bytes, 'host');
    await this.mirror.flush();
  }

  async close(): Promise<void> {
    await this.space.close();
    await this.device.close();
  }

  private async launch(program: JsProgram): Promise<void> {
    await this.mirror.launch(program, { args: [this.last], grid: [this.plan.slice] }).wait();
  }
}

/** A program whose unit x needs page `order[args[0] + x]`; for writing, the page then counts as written. */
function toucher(order: Uint32Array, base: number, { pageBytes, access }: Plan): JsProgram {
  return {
    language: 'js',
    run: (ctx, id, args) => (ctx.probe(base + order[args[0]! + id.x]! * pageBytes, access) ? undefined : 'retry'),
  };
}

/** The same, and it looks at the page. */
function checker(order: Uint32Array, base: number, { pageBytes, access }: Plan): JsProgram {
  return {
    language: 'js',
    run(ctx, id, args) {
      const page = order[args[0]! + id.x]!;
      const address = base + page * pageBytes;
      if (ctx.load32(address) !== page) throw new Error(`page ${page} holds ${ctx.load32(address)}`);
      if (access === 'write') ctx.store32(address + pageBytes - 4, page);
    },
  };
}
