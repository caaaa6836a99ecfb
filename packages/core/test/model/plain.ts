/** What may be done with a region of the plain model; as `RegionAccess` of core. */
export type PlainAccess = 'none' | 'read' | 'read-write';

/** Bytes that regions share: the contents of a file, or shared anonymous memory. One array a page, made when first asked for. */
export class PlainObject {
  readonly pageSize: number;
  /** Bytes that the file has; 0 where there is none. */
  size: number;
  /** Bytes that it had at first, the most it ever has. */
  readonly capacity: number;
  /** Number of the file in the world; -1 where there is none. */
  readonly file: number;
  private readonly cells = new Map<number, Uint8Array>();

  constructor(pageSize: number, file = -1, contents = new Uint8Array(0)) {
    this.pageSize = pageSize;
    this.file = file;
    this.size = contents.length;
    this.capacity = contents.length;
    for (let i = 0; i * pageSize < contents.length; i++)
      this.page(i).set(contents.slice(i * pageSize, (i + 1) * pageSize));
  }

  page(index: number): Uint8Array {
    let cell = this.cells.get(index);
    if (cell === undefined) this.cells.set(index, (cell = new Uint8Array(this.pageSize)));
    return cell;
  }

  /** The bytes of the file. */
  contents(): Uint8Array {
    const bytes = new Uint8Array(this.size);
    for (let at = 0; at < this.size; at += this.pageSize)
      bytes.set(this.page(at / this.pageSize).subarray(0, this.size - at), at);
    return bytes;
  }

  /** Makes the file shorter or longer: all bytes behind the end, and those that it had before, are zeros. */
  truncate(size: number): void {
    const from = Math.min(size, this.size);
    const end = Math.ceil(from / this.pageSize);
    for (const index of [...this.cells.keys()]) if (index >= end) this.cells.delete(index);
    if (from % this.pageSize > 0) this.page(end - 1).fill(0, from % this.pageSize);
    this.size = size;
  }

  /** What was written behind the end of the file is forgotten with the last region. */
  forgetTail(): void {
    const inLastPage = this.size % this.pageSize;
    if (inLastPage > 0) this.page(Math.floor(this.size / this.pageSize)).fill(0, inLastPage);
  }
}

/** A region of the plain model: bounds, rights, contents. */
export interface PlainRegion {
  start: number;
  end: number;
  access: PlainAccess;
  readonly shared: boolean;
  readonly object: PlainObject | undefined;
  objectPage: number;
  /** Private contents, by page; absent where untouched, or where the object shows through. */
  own: (Uint8Array | undefined)[];
  /** Device that the region is pinned to; -1 for none. */
  pin: number;
}

/** The plain sequential model of a space: a list of regions with their bytes, and nothing clever. */
export class PlainSpace {
  readonly pageSize: number;
  regions: PlainRegion[] = [];

  constructor(pageSize: number) {
    this.pageSize = pageSize;
  }

  at(address: number): PlainRegion | undefined {
    return this.regions.find((region) => region.start <= address && address < region.end);
  }

  overlapping(start: number, end: number): PlainRegion[] {
    return this.regions.filter((region) => region.start < end && start < region.end);
  }

  /** Page bounds around a byte range. */
  widen(start: number, bytes: number): { start: number; end: number } {
    const { pageSize } = this;
    return { start: Math.floor(start / pageSize) * pageSize, end: Math.ceil((start + bytes) / pageSize) * pageSize };
  }

  /** Error code of the first hole. */
  hole(start: number, end: number): string | undefined {
    for (let at = start; at < end; at += this.pageSize) if (this.at(at) === undefined) return 'ADDRESS_NOT_MAPPED';
    return undefined;
  }

  /** Whether an address shows what lies behind the end of a file. */
  isBehind(address: number): boolean {
    const region = this.at(address);
    return region !== undefined && address >= this.endOf(region);
  }

  /** Where a region ends, or the pages of the file that it shows. */
  endOf({ start, end, object, objectPage }: PlainRegion): number {
    if (object === undefined || object.file < 0) return end;
    return Math.min(end, start + (Math.ceil(object.size / this.pageSize) - objectPage) * this.pageSize);
  }

  /** The first bytes of a range: all in front of the end of whatever file they show, or one page behind it, which says why all fail. */
  clip(start: number, bytes: number): number {
    const pageEnd = this.widen(start, 1).end;
    if (this.isBehind(start)) return Math.min(bytes, pageEnd - start);
    for (let at = pageEnd; at < start + bytes; at += this.pageSize) if (this.isBehind(at)) return at - start;
    return bytes;
  }

  /** First address of a page range that must not be accessed, and the error code it gives. */
  refused(start: number, end: number, write: boolean): { address: number; code: string } | undefined {
    for (let address = start; address < end; address += this.pageSize) {
      const region = this.at(address);
      if (region === undefined) return { address, code: 'ADDRESS_NOT_MAPPED' };
      if (region.access === 'none' || (write && region.access === 'read')) return { address, code: 'ACCESS_DENIED' };
      if (this.isBehind(address)) return { address, code: 'IO' };
    }
    return undefined;
  }

  /** The page at an address: for writing, a private one if the region is private. */
  page(address: number, write: boolean): Uint8Array {
    const region = this.at(address)!;
    const index = Math.floor((address - region.start) / this.pageSize);
    const shown = region.own[index] ?? region.object?.page(region.objectPage + index);
    if (region.shared || !write) return shown ?? new Uint8Array(this.pageSize);
    return (region.own[index] ??= shown === undefined ? new Uint8Array(this.pageSize) : shown.slice());
  }

  read(start: number, bytes: number): Uint8Array {
    const result = new Uint8Array(bytes);
    this.parts(start, bytes, (address, offset, count, done) =>
      result.set(this.page(address, false).subarray(offset, offset + count), done),
    );
    return result;
  }

  /** Makes all pages of a byte range private where they are to be, before the first is changed: as the CPU claims them. */
  claim(start: number, bytes: number): void {
    this.parts(start, bytes, (address) => this.page(address, true));
  }

  write(start: number, from: Uint8Array): void {
    this.parts(start, from.length, (address, offset, count, done) =>
      this.page(address, true).set(from.subarray(done, done + count), offset),
    );
  }

  load32(address: number): number {
    return new DataView(this.read(address, 4).buffer).getUint32(0, true);
  }

  store32(address: number, value: number): void {
    this.write(address, new Uint8Array(Uint32Array.of(value).buffer));
  }

  map(region: Omit<PlainRegion, 'own' | 'pin'>): void {
    this.unmap(region.start, region.end);
    this.regions.push({ ...region, own: [], pin: -1 });
    this.sort();
  }

  unmap(start: number, end: number): void {
    const gone = this.isolate(start, end);
    this.regions = this.regions.filter((region) => !gone.includes(region));
  }

  /** Splits regions at both ends of a range, and returns those inside. */
  isolate(start: number, end: number): PlainRegion[] {
    for (const at of [start, end]) this.split(at);
    return this.overlapping(start, end);
  }

  /** Gives the region at `start` other bounds, with its contents. */
  move(region: PlainRegion, to: number, bytes: number): void {
    region.start = to;
    region.end = to + bytes;
    region.own.length = Math.min(region.own.length, bytes / this.pageSize);
    this.sort();
  }

  discard(start: number, end: number): void {
    for (let at = start; at < end; at += this.pageSize) {
      const region = this.at(at)!;
      region.own[(at - region.start) / this.pageSize] = undefined;
    }
  }

  fork(): PlainSpace {
    const child = new PlainSpace(this.pageSize);
    child.regions = this.regions.map((region) => ({
      ...region,
      own: region.own.map((cell) => cell?.slice()),
      pin: -1,
    }));
    return child;
  }

  private split(address: number): void {
    const region = this.at(address);
    if (region === undefined || region.start === address) return;
    const pages = (address - region.start) / this.pageSize;
    const rest = { ...region, start: address, objectPage: region.objectPage + pages, own: region.own.slice(pages) };
    region.end = address;
    region.own.length = Math.min(region.own.length, pages);
    this.regions.push(rest);
    this.sort();
  }

  private sort(): void {
    this.regions.sort((a, b) => a.start - b.start);
  }

  private parts(
    start: number,
    bytes: number,
    use: (address: number, offset: number, count: number, done: number) => void,
  ): void {
    for (let done = 0; done < bytes;) {
      const address = start + done;
      const offset = address % this.pageSize;
      const count = Math.min(this.pageSize - offset, bytes - done);
      use(address, offset, count, done);
      done += count;
    }
  }
}
