import type {
  Command,
  HarvestCommand,
  PagingCommand,
  PlainAccess,
  ProtectCommand,
  UnmapCommand,
} from '@mirrorspace/core/driver';
import { accessBytes, type LaunchCommand } from '@mirrorspace/core/driver';
import type { Places } from './host-buffers.js';
import { MAIL_BYTES } from './words.js';
import { COMMAND, COMMAND_BYTES, LAUNCH, listBytes, listsAt, OP } from './mail.js';
import type { Shared } from './shared.js';

/** Most bytes of a plain access that are sent at once. */
const PIECE_BYTES = 128 * 1024;
/** Most bytes that a fill sets at once. */
const FILL_BYTES = 2 ** 24;
/** More chunks of units than this are not counted: then a chunk has several. */
const MOST_CHUNKS = 2 ** 29;
/** Room for the word that ends a segment. */
const END_BYTES = 8;

/** Commands that travel as lists. */
export type ListedCommand = Exclude<PagingCommand, { kind: 'copyIn' | 'copyOut' | 'discard' }>;

/** Writes commands into the mail of a lane, and reads back what the engine's thread left there. */
export class MailWriter {
  readonly #shared: Shared;
  readonly #start: number;
  readonly #sizes: readonly number[];
  #at: number;

  constructor(shared: Shared, lane: number, pageSizes: readonly number[]) {
    this.#shared = shared;
    this.#start = this.#at = shared.layout.mail(lane);
    this.#sizes = pageSizes;
  }

  /** Begins a segment. */
  begin(): void {
    this.#at = this.#start;
  }

  /** Ends the segment. */
  end(): void {
    this.#shared.words[this.#at >>> 2] = OP.end;
  }

  /** Adds a command with lists. `false`: there is no room. */
  list(command: ListedCommand, place: number): boolean {
    const count = 'pages' in command && command.pages !== undefined && command.kind !== 'flushTlb' ? command.count : 0;
    const bytes = listBytes(count);
    const at = this.#add(OP[command.kind], place, count, bytes);
    if (at < 0) return false;
    const { words, floats, bytes: shared } = this.#shared;
    const word = at >>> 2;
    words[word + COMMAND.size] = 'pageSize' in command ? Math.max(0, this.#sizes.indexOf(command.pageSize ?? 0)) : 0;
    if (command.kind === 'flushTlb') return true;
    if (command.kind === 'replayFaults') {
      words[word + COMMAND.extra] = Math.min(command.window ?? 0, 2 ** 30);
      return true;
    }
    const lists = listsAt(at, count);
    for (let i = 0; i < count; i++) floats[(lists.pages >>> 3) + i] = command.pages[i]!;
    if (command.kind === 'map') for (let i = 0; i < count; i++) words[(lists.frames >>> 2) + i] = command.frames[i]!;
    if (command.kind === 'map' || command.kind === 'protect')
      shared.set(command.access.subarray(0, count), lists.access);
    if (command.kind === 'cancelFaults') shared.set(command.reasons.subarray(0, count), lists.access);
    words[word + COMMAND.extra] = 'bits' in command && command.bits !== undefined ? 1 : 0;
    return true;
  }

  /** Adds a copy between shared host memory and frames. `false`: there is no room. */
  copy(kind: 'copyIn' | 'copyOut', pageSize: number, { places, frames, count }: Places): boolean {
    const at = this.#add(OP[kind], 0, count, listBytes(count));
    if (at < 0) return false;
    const { words, floats } = this.#shared;
    words[(at >>> 2) + COMMAND.size] = this.#sizes.indexOf(pageSize);
    const lists = listsAt(at, count);
    for (let i = 0; i < count; i++) floats[(lists.pages >>> 3) + i] = places[i]!;
    for (let i = 0; i < count; i++) words[(lists.frames >>> 2) + i] = frames[i]!;
    return true;
  }

  /** Adds a part of a plain access, from byte `done` of it. Returns the byte behind it; `done`: there is no room. */
  access(command: PlainAccess, place: number, done: number): number {
    const total = accessBytes(command);
    const count = Math.min(total - done, command.kind === 'fill' ? FILL_BYTES : PIECE_BYTES);
    const data = command.kind === 'fill' ? 0 : count;
    const at = this.#add(OP[command.kind], place, count, COMMAND_BYTES + ((data + 7) & ~7));
    if (at < 0) return done;
    const { words, bytes } = this.#shared;
    const word = at >>> 2;
    words[word + COMMAND.size] = done + count === total ? 1 : 0;
    if ('value' in command) words[word + COMMAND.extra] = command.value | 0;
    this.#shared.setNumber(at, COMMAND.address, command.address + done);
    if (command.kind === 'write') bytes.set(command.from.subarray(done, done + count), at + COMMAND_BYTES);
    return done + count;
  }

  /** Adds a launch. `false`: there is no room. @throws RangeError where there never is */
  launch({ grid, args }: LaunchCommand, place: number, program: number): boolean {
    const bytes = COMMAND_BYTES + 8 * (LAUNCH.args + args.length);
    if (bytes > MAIL_BYTES - END_BYTES)
      throw new RangeError(`${args.length} arguments are more than a launch can have`);
    // Units read it where it is: so it comes first.
    if (this.#at !== this.#start) return false;
    const at = this.#add(OP.launch, place, args.length, bytes);
    const first = (at + COMMAND_BYTES) >>> 3;
    const { floats } = this.#shared;
    const [x, y, z] = grid;
    floats[first + LAUNCH.program] = program;
    floats[first + LAUNCH.x] = x;
    floats[first + LAUNCH.y] = y;
    floats[first + LAUNCH.z] = z;
    floats[first + LAUNCH.chunk] = Math.ceil((x * y * z) / MOST_CHUNKS);
    for (let i = 0; i < args.length; i++) floats[first + LAUNCH.args + i] = args[i]!;
    return true;
  }

  /** Adds what the device itself asks. */
  manage(op: number, place: number): void {
    this.#add(op, place, 0, COMMAND_BYTES);
  }

  /** Begins to read back; {@link readBits}, {@link readData} and {@link skip} go on by one command each. */
  rewind(): void {
    this.#at = this.#start;
  }

  /** The bits that a command left. */
  readBits(command: UnmapCommand | ProtectCommand | HarvestCommand): void {
    const { count, bits } = command;
    const from = listsAt(this.#at, count).bits;
    bits?.set(this.#shared.bytes.subarray(from, from + count));
    this.skip();
  }

  /** The bytes that an access left, as they lie in the mail. */
  readData(count: number): Uint8Array {
    const from = this.#at + COMMAND_BYTES;
    this.skip();
    return this.#shared.bytes.subarray(from, from + count);
  }

  skip(): void {
    this.#at += this.#shared.words[(this.#at >>> 2) + COMMAND.bytes]!;
  }

  #add(op: number, place: number, count: number, bytes: number): number {
    const at = this.#at;
    if (at + bytes > this.#start + MAIL_BYTES - END_BYTES) return -1;
    const { words } = this.#shared;
    const word = at >>> 2;
    words[word + COMMAND.op] = op;
    words[word + COMMAND.mmu] = place;
    words[word + COMMAND.count] = count;
    words[word + COMMAND.size] = 0;
    words[word + COMMAND.bytes] = bytes;
    words[word + COMMAND.extra] = 0;
    this.#at = at + bytes;
    return at;
  }
}

/** Whether the engine's thread runs a command as a list. */
export function isListed(command: Command): command is ListedCommand {
  switch (command.kind) {
    case 'map':
    case 'unmap':
    case 'protect':
    case 'flushTlb':
    case 'harvest':
    case 'replayFaults':
    case 'cancelFaults':
      return true;
    default:
      return false;
  }
}
