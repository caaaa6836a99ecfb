import type {
  Command,
  CopyInCommand,
  CopyOutCommand,
  LaunchCommand,
  PlainAccess,
  Submission,
  SubmissionQueue,
} from '@mirrorspace/core/driver';
import { accessBytes, MirrorError } from '@mirrorspace/core/driver';
import { AccessParts } from './access-parts.js';
import type { HostBuffers } from './host-buffers.js';
import { copyIn, copyOut } from './host-copies.js';
import { LANE, STATUS } from './words.js';
import { isListed, MailWriter } from './mail-writer.js';
import type { NativeMmu } from './mmu.js';
import type { Compiled } from './programs.js';
import type { Shared } from './shared.js';

/** Looks whether a segment has ended, before the host does something else: a few microseconds at most, more of them as long as they find something. */
const LEAST_LOOKS = 16;
const MOST_LOOKS = 512;

/** What a lane needs of its device. */
export interface LaneHost {
  readonly name: string;
  readonly shared: Shared;
  readonly pageSizes: readonly number[];
  readonly buffers: HostBuffers;
  isOpen(mmu: number): boolean;
  /** @throws MirrorError `CLOSED` */
  mmu(id: number): NativeMmu;
  /** Compiles a program and brings it to the units of a queue, which are started if need be. @throws MirrorError `PROGRAM` */
  prepare(queue: number, command: LaunchCommand): Compiled | Promise<Compiled>;
  /** Something may go on. */
  kick(): void;
  /** An access without bytes ended. */
  retire(): void;
  /** Why a segment failed. */
  failure(queue: number, command: Command | undefined): MirrorError;
}

/** The host's side of a queue: sends the head in segments, one at a time, and does between them what only the host can. */
export class Lane {
  readonly queue: SubmissionQueue;
  readonly #host: LaneHost;
  readonly #writer: MailWriter;
  readonly #at: number;
  #sent = 0;
  #looks = LEAST_LOOKS;
  /** The submission that a segment is from, while it is under way; and the command behind its last. */
  #flying: Submission | undefined;
  #end = 0;
  readonly #parts: AccessParts;
  /** The launch at the head whose program is being compiled, or was. */
  #waits: LaunchCommand | undefined;
  #compiled: Compiled | undefined;
  readonly #idle: (() => void)[] = [];

  constructor(host: LaneHost, queue: SubmissionQueue) {
    this.queue = queue;
    this.#host = host;
    this.#writer = new MailWriter(host.shared, queue.id, host.pageSizes);
    this.#parts = new AccessParts(this.#writer);
    this.#at = host.shared.layout.lane(queue.id);
  }

  /** Whether the engine's thread has something of it. */
  get flying(): boolean {
    return this.#flying !== undefined;
  }

  /** Resolves when what it has sent by now has ended. */
  settled(): Promise<void> {
    return this.#flying === undefined ? Promise.resolve() : new Promise((resolve) => this.#idle.push(resolve));
  }

  /** Goes on as far as it can. */
  advance(): void {
    for (;;) {
      if (this.#flying !== undefined) {
        if (this.#host.shared.load(this.#at, LANE.done) !== this.#sent) return;
        const landed = this.#flying;
        try {
          this.#land(landed);
        } catch (error) {
          this.#fail(landed, error);
        }
      }
      const head = this.queue.next();
      if (head === undefined) return;
      try {
        if (head.index === head.commands.length) this.queue.settle();
        else if (!this.#goOn(head)) return;
      } catch (error) {
        this.#fail(head, error);
      }
    }
  }

  /** Forgets what is under way: the device is gone. */
  drop(): void {
    this.#flying = undefined;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** Does one command of the host's, or sends a segment. `false`: neither is possible now. */
  #goOn(head: Submission): boolean {
    const command = head.commands[head.index]!;
    const { name, shared } = this.#host;
    switch (command.kind) {
      case 'copyIn':
      case 'copyOut':
        if (this.#copies(command)) return this.#send(head);
        if (command.kind === 'copyIn') copyIn(name, shared.pool, command);
        else copyOut(name, shared.pool, command);
        break;
      case 'discard':
        break;
      case 'launch':
        return this.#launch(head, command);
      default:
        if (!isAccess(command) || accessBytes(command) > 0) return this.#send(head);
        this.#host.mmu(command.mmu);
        this.#host.retire();
    }
    head.index++;
    return true;
  }

  #launch(head: Submission, command: LaunchCommand): boolean {
    const { place } = this.#host.mmu(command.mmu);
    if (this.#waits !== command) {
      const compiled = this.#host.prepare(this.queue.id, command);
      this.#waits = command;
      this.#compiled = undefined;
      if (compiled instanceof Promise) this.#await(head, command, compiled);
      else this.#compiled = compiled;
    }
    if (this.#compiled === undefined) return false;
    this.#waits = undefined;
    this.#writer.begin();
    this.#writer.launch(command, place, this.#compiled.number);
    return this.#fly(head, head.index + 1);
  }

  #await(head: Submission, command: LaunchCommand, compiled: Promise<Compiled>): void {
    const current = () => this.#waits === command && this.queue.head === head;
    compiled.then(
      (program) => {
        if (!current()) return;
        this.#compiled = program;
        this.#host.kick();
      },
      (error: unknown) => {
        if (!current()) return;
        this.#fail(head, error);
        this.#host.kick();
      },
    );
  }

  /** Whether the engine's thread does a copy; then it begins a segment, since what it copies may depend on what came before. */
  #copies(command: CopyInCommand | CopyOutCommand): boolean {
    const places = this.#host.buffers.places(command);
    if (places === undefined) return false;
    this.#writer.begin();
    return this.#writer.copy(command.kind, command.pageSize, places);
  }

  /** Sends a segment: what can go together, behind a copy that is in the mail already. */
  #send(head: Submission): boolean {
    const hasCopy = isCopy(head.commands[head.index]!);
    if (!hasCopy) this.#writer.begin();
    let end = head.index + (hasCopy ? 1 : 0);
    for (; end < head.commands.length; end++) {
      const command = head.commands[end]!;
      if (!isListed(command) && !(isAccess(command) && end === head.index)) break;
      // What is for an MMU that was closed fails, but only once what is before it was done.
      if (end > head.index && !this.#host.isOpen(command.mmu)) break;
      const { place } = this.#host.mmu(command.mmu);
      if (isListed(command)) {
        if (!this.#writer.list(command, place)) break;
        continue;
      }
      this.#parts.send(command, place);
      end++;
      break;
    }
    return this.#fly(head, end);
  }

  /** Sends a segment. `true`: it has ended already. */
  #fly(head: Submission, end: number): boolean {
    const { shared } = this.#host;
    this.#writer.end();
    this.#flying = head;
    this.#end = end;
    shared.store(this.#at, LANE.sent, ++this.#sent);
    shared.ring();
    return head.commands[head.index]!.kind !== 'launch' && this.#look();
  }

  /** Whether what was sent has ended within some looks: most does, and then need not wait for the host's next turn. */
  #look(): boolean {
    for (let looks = this.#looks; looks > 0; looks--) {
      if (this.#host.shared.load(this.#at, LANE.done) !== this.#sent) continue;
      this.#looks = Math.min(MOST_LOOKS, this.#looks * 2);
      return true;
    }
    this.#looks = Math.max(LEAST_LOOKS, this.#looks >> 1);
    return false;
  }

  /** A segment has ended: what it left is handed out. */
  #land(head: Submission): void {
    const { shared } = this.#host;
    this.#flying = undefined;
    for (const resolve of this.#idle.splice(0)) resolve();
    const status = shared.load(this.#at, LANE.status);
    const end = status === STATUS.done ? this.#end : head.index + shared.load(this.#at, LANE.failedAt);
    this.#writer.rewind();
    for (; head.index < end; head.index++) if (!this.#finish(head.commands[head.index]!)) return;
    if (status !== STATUS.done) this.#fail(head, this.#host.failure(this.queue.id, head.commands[head.index]));
  }

  /** Takes what a command left in the mail. `false`: more of it has to be sent. */
  #finish(command: Command): boolean {
    switch (command.kind) {
      case 'unmap':
      case 'protect':
      case 'harvest':
        this.#writer.readBits(command);
        return true;
      case 'read':
      case 'write':
      case 'fill':
      case 'atomicAdd':
        return this.#parts.take(command);
      default:
        this.#writer.skip();
        return true;
    }
  }

  #fail(head: Submission, error: unknown): void {
    if (this.queue.head !== head) return;
    this.#parts.forget();
    this.#waits = undefined;
    this.queue.settle(error instanceof MirrorError ? error : this.#asMirrorError(error));
  }

  #asMirrorError(cause: unknown): MirrorError {
    const { name } = this.#host;
    const message = cause instanceof Error ? cause.message : String(cause);
    return new MirrorError('INVALID_ARGUMENT', `${name} could not use what it was given: ${message}`, {
      device: name,
      cause,
    });
  }
}

function isAccess(command: Command): command is PlainAccess {
  const { kind } = command;
  return kind === 'read' || kind === 'write' || kind === 'fill' || kind === 'atomicAdd';
}

function isCopy({ kind }: Command): boolean {
  return kind === 'copyIn' || kind === 'copyOut';
}
