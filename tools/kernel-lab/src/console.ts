/** How far a guest has come, by the lines of its console. */
export interface GuestProgress {
  /** Whether its first process runs. */
  readonly up: boolean;
  /** Whether it has run everything. */
  readonly done: boolean;
  /** The phase that it is in. */
  readonly phase: string | undefined;
}

/** Reads a guest's console for the lines that its scripts print. */
export class Console implements GuestProgress {
  up = false;
  done = false;
  phase: string | undefined;
  private rest = '';

  /** Takes more of what the guest printed. */
  read(text: string): void {
    const lines = (this.rest + text).split(/\r?\n/);
    this.rest = lines.pop() ?? '';
    for (const line of lines) this.take(line);
  }

  private take(line: string): void {
    // The kernel's own messages may stand in front of ours.
    const [, word, name] = /lab: (up|done|begin|end)(?: (\S+))?/.exec(line) ?? [];
    if (word === 'up') this.up = true;
    if (word === 'done') this.done = true;
    if (word === 'begin') this.phase = name;
    if (word === 'end') this.phase = undefined;
  }
}
