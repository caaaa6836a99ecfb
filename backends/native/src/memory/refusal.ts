import { type ErrorCode, MirrorError } from '@mirrorspace/core';

/** What the addon throws where the system refuses. */
interface SystemError extends Error {
  readonly code?: string;
  readonly call?: string;
}

const REMEDIES: Readonly<Record<string, readonly [code: ErrorCode, remedy: string]>> = {
  ENOMEM: [
    'OUT_OF_HOST_MEMORY',
    'the process may have no more address space or mappings: raise `ulimit -v` and vm.max_map_count, set vm.overcommit_memory to 0 or 1, or map less',
  ],
  EFBIG: ['OUT_OF_HOST_MEMORY', 'the memory is a file, and `ulimit -f` limits how long files may be: raise it'],
  ENOSPC: ['OUT_OF_HOST_MEMORY', 'the system has no memory left for it: unmap regions'],
  EMFILE: ['OUT_OF_HOST_MEMORY', 'the process may open no more files: raise `ulimit -n`'],
  ENFILE: ['OUT_OF_HOST_MEMORY', 'the system has no files left: raise fs.file-max'],
  EAGAIN: ['OUT_OF_HOST_MEMORY', 'the system starts no more threads: raise `ulimit -u`'],
  ERR_WORKER_INIT_FAILED: ['OUT_OF_HOST_MEMORY', 'the system starts no more threads: raise `ulimit -u` or `ulimit -n`'],
  EPERM: [
    'UNSUPPORTED',
    'a container or service forbids it: allow the system call userfaultfd in its seccomp profile, or set vm.unprivileged_userfaultfd=1',
  ],
};

/** An error of the system, as one that says what to do. Others are returned as they are. */
function refusal(what: string, error: unknown): unknown {
  const { code, message } = error as SystemError;
  const known = code === undefined ? undefined : REMEDIES[code];
  if (known === undefined || error instanceof MirrorError) return error;
  return new MirrorError(known[0], `${what}: ${message}; ${known[1]}`, { cause: error });
}

/** Runs what may be refused by the system. @throws MirrorError */
export function attempt<T>(what: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw refusal(what, error);
  }
}
