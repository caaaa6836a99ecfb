import { MirrorError } from '../driver/index.js';

/** The name of an open device. */
export interface TakenName {
  readonly name: string;
  /** Gives it back, once, however often it is called: another device may have it by then. */
  readonly release: () => void;
}

/** The names of a backend's open devices: no two are alike. */
export class DeviceNames {
  private readonly backend: string;
  private readonly open = new Set<string>();

  /** @param backend its {@link Backend.name} */
  constructor(backend: string) {
    this.backend = backend;
  }

  /** Takes a name, the next free `backend:number` without one. @throws MirrorError `INVALID_ARGUMENT` where an open device has it */
  take(wanted?: string): TakenName {
    const { open } = this;
    const name = wanted ?? this.free();
    if (open.has(name)) {
      throw new MirrorError(
        'INVALID_ARGUMENT',
        `a device named ${name} is open already; close it, or choose another name`,
        { device: name },
      );
    }
    open.add(name);
    let released = false;
    const release = () => {
      if (!released) open.delete(name);
      released = true;
    };
    return { name, release };
  }

  private free(): string {
    let number = 0;
    while (this.open.has(`${this.backend}:${number}`)) number++;
    return `${this.backend}:${number}`;
  }
}
