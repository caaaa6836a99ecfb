import type { UnitContext } from '../driver/index.js';

/** Pages back that an access is compared with, a power of two: what a unit has just accessed is recorded once. */
const RECENT = 16;
const NONE = -1;

/** Takes the accesses of a unit. */
export interface AccessSink {
  push(page: number, meta: number): void;
}

/** What a unit sees of memory while its accesses are recorded: passes everything on. */
export class RecordingContext implements UnitContext {
  /** Whether the last access did not return: the unit is abandoned. */
  interrupted = false;
  private readonly perByte: number;
  private readonly reads = new Float64Array(RECENT);
  private readonly writes = new Float64Array(RECENT);
  private lastRead = NONE;
  private lastWrite = NONE;
  private readCount = 0;
  private writeCount = 0;
  private inner!: UnitContext;
  private sink!: AccessSink;
  private read = 0;
  private write = 0;

  constructor(pageSize: number) {
    this.perByte = 1 / pageSize;
  }

  /** A unit begins; records of its reads and writes have these metas. */
  begin(inner: UnitContext, sink: AccessSink, read: number, write: number): void {
    this.inner = inner;
    this.sink = sink;
    this.read = read;
    this.write = write;
    this.reads.fill(NONE);
    this.writes.fill(NONE);
    this.lastRead = this.lastWrite = NONE;
    this.interrupted = false;
  }

  load8(address: number): number {
    this.load(address);
    const value = this.inner.load8(address);
    this.interrupted = false;
    return value;
  }

  load32(address: number): number {
    this.load(address);
    const value = this.inner.load32(address);
    this.interrupted = false;
    return value;
  }

  loadI32(address: number): number {
    this.load(address);
    const value = this.inner.loadI32(address);
    this.interrupted = false;
    return value;
  }

  loadF32(address: number): number {
    this.load(address);
    const value = this.inner.loadF32(address);
    this.interrupted = false;
    return value;
  }

  loadF64(address: number): number {
    this.load(address);
    const value = this.inner.loadF64(address);
    this.interrupted = false;
    return value;
  }

  store8(address: number, value: number): void {
    this.store(address);
    this.inner.store8(address, value);
    this.interrupted = false;
  }

  store32(address: number, value: number): void {
    this.store(address);
    this.inner.store32(address, value);
    this.interrupted = false;
  }

  storeF32(address: number, value: number): void {
    this.store(address);
    this.inner.storeF32(address, value);
    this.interrupted = false;
  }

  storeF64(address: number, value: number): void {
    this.store(address);
    this.inner.storeF64(address, value);
    this.interrupted = false;
  }

  atomicAdd(address: number, value: number): number {
    this.store(address);
    const previous = this.inner.atomicAdd(address, value);
    this.interrupted = false;
    return previous;
  }

  probe(address: number, access?: 'read' | 'write'): boolean {
    return this.inner.probe(address, access);
  }

  private load(address: number): void {
    this.interrupted = true;
    const page = Math.floor(address * this.perByte);
    if (page === this.lastRead || page === this.lastWrite) return;
    this.lastRead = page;
    if (this.reads.includes(page) || this.writes.includes(page)) return;
    this.reads[this.readCount++ & (RECENT - 1)] = page;
    this.sink.push(page, this.read);
  }

  private store(address: number): void {
    this.interrupted = true;
    const page = Math.floor(address * this.perByte);
    if (page === this.lastWrite) return;
    this.lastWrite = page;
    if (this.writes.includes(page)) return;
    this.writes[this.writeCount++ & (RECENT - 1)] = page;
    this.sink.push(page, this.write);
  }
}
