import type { FromWorker, ToWorker } from './messages.js';
import { element } from './page/element.js';
import { FileCard } from './page/file-card.js';
import { counterFigures, Figures } from './page/figures.js';
import { PageMap } from './page/page-map.js';
import type { Order } from './page/page-order.js';
import { SettingsForm } from './page/settings-form.js';
import { bytesText, countText, timeText } from './page/text.js';
import { View } from './page/view.js';
import { queryOf, settingsFrom } from './settings.js';

const NO_WEBGPU = isSecureContext
  ? 'This browser shows no WebGPU to pages. Try a current Chrome, Edge, Safari or Firefox; in Chromium on Linux it may take chrome://flags/#enable-unsafe-webgpu.'
  : 'WebGPU needs a secure page: open this one by https, or from localhost.';

const page = document.documentElement;
const status = element('status', HTMLElement);
const progress = element('progress', HTMLProgressElement);
const problem = element('problem', HTMLElement);
const turning = element('turning', HTMLButtonElement);
const again = element('again', HTMLButtonElement);
const figures = new Figures(element('figures', HTMLElement));
const map = new PageMap(element('map', HTMLCanvasElement), element('legend', HTMLElement), 'the scene and the picture');

let worker: Worker | undefined;
let frames = 0;
/** The last message that asked for a picture. */
let asked = 0;

const form = new SettingsForm(settingsFrom(location.search), (settings) => {
  history.replaceState(null, '', queryOf(settings));
  if (worker === undefined) start();
  else open();
});
const view = new View(element('view', HTMLCanvasElement), (orbit) => {
  state('rendering');
  tell({ kind: 'look', number: (asked += 1), orbit });
});
const fileCard = new FileCard(
  (file) => tell({ kind: 'file', file }),
  () => tell({ kind: 'cancel-file' }),
);

function tell(message: ToWorker): void {
  worker?.postMessage(message);
}

/** For styles and tests. */
function state(now: 'opening' | 'rendering' | 'idle' | 'failed'): void {
  page.dataset['state'] = now;
}

/** Opens a device with what is chosen, in place of the one there may be. */
function open(): void {
  const { settings } = form;
  state('opening');
  status.textContent = 'Opening the device …';
  view.resize(settings.width, settings.height);
  map.clear();
  tell({ kind: 'open', number: (asked += 1), settings });
}

function fail(message: string): void {
  worker?.terminate();
  worker = undefined;
  state('failed');
  status.textContent = '';
  element('problem-text', HTMLElement).textContent = message;
  problem.hidden = false;
  fileCard.disabled = true;
}

function start(): void {
  problem.hidden = true;
  if (!('gpu' in navigator) || navigator.gpu === undefined) {
    form.disabled = true;
    fail(NO_WEBGPU);
    again.hidden = true;
    return;
  }
  fileCard.disabled = false;
  worker = new Worker(new URL('./worker/worker.ts', import.meta.url), { type: 'module' });
  worker.addEventListener('message', ({ data }: MessageEvent<FromWorker>) => hear(data));
  worker.addEventListener('error', ({ message }) => fail(message));
  tell({ kind: 'look', number: asked, orbit: view.orbit });
  open();
}

function hear(message: FromWorker): void {
  switch (message.kind) {
    case 'opened': {
      const { device, pageSize, frames: room, scenePages, picturePages } = message.opened;
      state('rendering');
      status.textContent = '';
      element('device', HTMLElement).textContent = device;
      form.sceneBytes = scenePages * pageSize;
      element('map-text', HTMLElement).textContent =
        `${countText(scenePages)} pages of the scene and ${countText(picturePages)} of the picture, ${bytesText(pageSize)} each; the device has room for ${countText(room)}.`;
      figures.show({ 'Last picture': '…' });
      break;
    }
    case 'parts':
      view.draw(message.coarseness, message.parts);
      progress.value = message.coarseness === 1 ? message.progress : 0;
      break;
    case 'residency':
      map.update(message.pages);
      figures.show(counterFigures(message.counters));
      break;
    case 'frame':
      frames += 1;
      page.dataset['frames'] = String(frames);
      figures.show({ 'Last picture': timeText(message.ms) });
      if (message.number === asked) state('idle');
      if (turning.getAttribute('aria-pressed') === 'true') view.turnOn();
      break;
    case 'file-progress':
      fileCard.show(message.progress);
      break;
    case 'file-found':
      fileCard.found(message.progress, message.found);
      break;
    case 'file-failed':
      fileCard.failed(message.cancelled ? 'Stopped.' : message.message);
      break;
    case 'failed':
      fail(message.message);
      break;
  }
}

for (const button of document.querySelectorAll<HTMLButtonElement>('[data-move]'))
  button.addEventListener('click', () => view.move(button.dataset['move']!));
turning.addEventListener('click', () => {
  const isOn = turning.getAttribute('aria-pressed') !== 'true';
  turning.setAttribute('aria-pressed', String(isOn));
  if (isOn) view.turnOn();
});
element('order', HTMLSelectElement).addEventListener('change', ({ currentTarget }) => {
  map.order = (currentTarget as HTMLSelectElement).value as Order;
});
again.addEventListener('click', start);
start();
