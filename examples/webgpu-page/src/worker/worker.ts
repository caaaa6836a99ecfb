/** The worker: devices live here, so that the page never waits for them. */
import { MirrorError } from '@mirrorspace/core';
import type { FromWorker, ToWorker } from '../messages.js';
import { type Orbit, START } from '../orbit.js';
import type { Settings } from '../settings.js';
import { passOverFile } from './file-pass.js';
import { SceneSession } from './scene-session.js';

const NO_ROOM =
  'A tile of 8 × 8 pixels needs more pages at once than fit into device memory. Choose more memory, or a larger picture.';

let settings: Settings | undefined;
let orbit: Orbit = START;
let number = 0;
let wake = (): void => undefined;
let filePass = new AbortController();

addEventListener('message', ({ data }: MessageEvent<ToWorker>) => {
  switch (data.kind) {
    case 'open':
      ({ settings, number } = data);
      break;
    case 'look':
      ({ orbit, number } = data);
      break;
    case 'file':
      filePass.abort();
      filePass = new AbortController();
      void page(data.file, filePass.signal);
      break;
    case 'cancel-file':
      filePass.abort();
      break;
  }
  wake();
});

function send(message: FromWorker, transfer: ArrayBuffer[] = []): void {
  postMessage(message, { transfer });
}

/** Renders what was asked for last, for ever. */
async function renderAlways(): Promise<void> {
  let session: SceneSession | undefined;
  let openedFor: Settings | undefined;
  let rendered: Orbit | undefined;
  for (;;) {
    if (settings !== openedFor && settings !== undefined) {
      openedFor = settings;
      rendered = undefined;
      await session?.close();
      session = await SceneSession.open(settings);
      session.onLost(fail);
      send({ kind: 'opened', opened: session.opened });
      sendResidency(session);
    }
    if (session === undefined || orbit === rendered) {
      await new Promise<void>((resolve) => (wake = resolve));
      continue;
    }
    rendered = orbit;
    const shows = number;
    const ms = await render(session, orbit, openedFor);
    sendResidency(session);
    if (ms !== undefined) send({ kind: 'frame', number: shows, ms });
  }
}

function render(session: SceneSession, from: Orbit, openedFor: Settings | undefined): Promise<number | undefined> {
  return session.render(from, {
    onParts(coarseness, progress, parts) {
      const transfer = parts.map(({ pixels }) => pixels.buffer);
      send({ kind: 'parts', coarseness, progress, parts }, transfer);
    },
    onResidency: () => sendResidency(session),
    isStale: () => orbit !== from || settings !== openedFor,
  });
}

function sendResidency(session: SceneSession): void {
  const pages = session.residency();
  send({ kind: 'residency', pages, counters: session.counters }, [pages.buffer]);
}

async function page(file: File, signal: AbortSignal): Promise<void> {
  try {
    const { found, progress } = await passOverFile(file, {
      memory: settings?.memory ?? 0,
      signal,
      onProgress: (progress) => send({ kind: 'file-progress', progress }),
    });
    send({ kind: 'file-found', progress, found });
  } catch (error) {
    send({ kind: 'file-failed', message: messageOf(error), cancelled: signal.aborted });
  }
}

function fail(error: unknown): void {
  const noRoom = error instanceof MirrorError && error.code === 'OUT_OF_DEVICE_MEMORY';
  send({ kind: 'failed', message: noRoom ? NO_ROOM : messageOf(error) });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

void renderAlways().catch(fail);
