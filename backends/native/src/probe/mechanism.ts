/** Whether a mechanism of the system works here, found by doing. */
export interface Mechanism {
  /** Whether it did what it should. */
  readonly works: boolean;
  /** Why not. */
  readonly reason?: string;
  /** What the user can do about it. */
  readonly remedy?: string;
}

/** What to do about an error of a call; undefined where nothing is known. */
export type Remedies = Readonly<Record<string, string>>;

/** Opening a userfaultfd: what may be in the way. */
const USERFAULTFD_REMEDIES: Remedies = {
  EPERM:
    'a container or service forbids it: allow the system call userfaultfd in its seccomp profile; for faults of the kernel set vm.unprivileged_userfaultfd=1, or give access to /dev/userfaultfd',
  ENOSYS: 'use a kernel with CONFIG_USERFAULTFD, and a seccomp profile that allows the system call userfaultfd',
};

/** Tries a mechanism: `attempt` throws what the system refuses, and returns what went wrong although nothing was refused. */
export function tryMechanism(attempt: () => string | undefined, remedies: Remedies): Mechanism {
  try {
    const wrong = attempt();
    return wrong === undefined ? { works: true } : { works: false, reason: wrong };
  } catch (error) {
    const { message, code } = error as Error & { code?: string };
    const remedy = code === undefined ? undefined : (remedies[code] ?? USERFAULTFD_REMEDIES[code]);
    return { works: false, reason: message, ...(remedy !== undefined && { remedy }) };
  }
}
