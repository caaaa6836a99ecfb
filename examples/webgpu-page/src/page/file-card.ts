import type { FileFound, FileProgress } from '../messages.js';
import { element } from './element.js';
import { counterFigures, Figures } from './figures.js';
import { PageMap } from './page-map.js';
import { bytesText, countText, timeText } from './text.js';

/** The part of the page that takes a file. */
export class FileCard {
  readonly #input = element('file', HTMLInputElement);
  readonly #drop = element('drop', HTMLElement);
  readonly #result = element('file-result', HTMLElement);
  readonly #name = element('file-name', HTMLElement);
  readonly #stop = element('file-stop', HTMLButtonElement);
  readonly #progress = element('file-progress', HTMLProgressElement);
  readonly #status = element('file-status', HTMLElement);
  readonly #histogram = element('histogram', HTMLCanvasElement);
  readonly #histogramFigure = element('histogram-figure', HTMLElement);
  readonly #figures = new Figures(element('file-figures', HTMLElement));
  readonly #map = new PageMap(
    element('file-map', HTMLCanvasElement),
    element('file-legend', HTMLElement),
    'the file, 64 KiB each',
  );
  readonly #onFile: (file: File) => void;

  constructor(onFile: (file: File) => void, onStop: () => void) {
    this.#onFile = onFile;
    this.#input.addEventListener('change', () => {
      this.#take(this.#input.files?.[0]);
      this.#input.value = '';
    });
    this.#stop.addEventListener('click', onStop);
    // A file that misses the place is not opened by the browser in place of the page.
    addEventListener('dragover', (event) => {
      event.preventDefault();
      this.#drop.classList.add('over');
    });
    addEventListener('dragleave', ({ relatedTarget }) => {
      if (relatedTarget === null) this.#drop.classList.remove('over');
    });
    addEventListener('drop', (event) => {
      event.preventDefault();
      this.#drop.classList.remove('over');
      this.#take(event.dataTransfer?.files[0]);
    });
  }

  /** No file is taken where nothing works. */
  set disabled(disabled: boolean) {
    this.#input.disabled = disabled;
    if (disabled && this.#result.dataset['state'] === 'running') this.failed('The device is gone.');
  }

  /** Shows where the GPU is. */
  show(progress: FileProgress): void {
    const { bytes, done, ms, counters, hostBytes, residency } = progress;
    this.#progress.value = done / bytes;
    this.#figures.show({
      Read: bytesText(done),
      Speed: ms > 0 ? `${bytesText((done * 1000) / ms)}/s` : '',
      'Host memory': bytesText(hostBytes),
      ...counterFigures(counters),
    });
    this.#map.update(residency);
  }

  /** Shows what the GPU found. */
  found(progress: FileProgress, { crc, histogram }: FileFound): void {
    this.show(progress);
    this.#end('done');
    const hex = crc.toString(16).padStart(8, '0');
    this.#status.textContent = `CRC-32 ${hex}: ${countText(progress.bytes)} bytes in ${timeText(progress.ms)}`;
    this.#draw(histogram);
  }

  /** Says why there is no result. */
  failed(message: string): void {
    this.#end('failed');
    this.#status.textContent = message;
  }

  #take(file: File | undefined): void {
    if (file === undefined || this.#input.disabled) return;
    this.#result.hidden = false;
    this.#result.dataset['state'] = 'running';
    this.#name.textContent = `${file.name}, ${bytesText(file.size)}`;
    this.#progress.value = 0;
    this.#histogramFigure.hidden = true;
    this.#map.clear();
    if (file.size === 0) {
      this.failed('The file is empty, or a folder: there is nothing to read.');
      return;
    }
    this.#stop.hidden = false;
    this.#status.textContent = 'The GPU reads the file.';
    this.#onFile(file);
  }

  #end(state: 'done' | 'failed'): void {
    this.#result.dataset['state'] = state;
    this.#stop.hidden = true;
  }

  /** Bars as high as the root of what they count, so that rare bytes are seen, too. */
  #draw(histogram: Float64Array): void {
    this.#histogramFigure.hidden = false;
    const [width, height] = [256, 64];
    this.#histogram.width = width;
    this.#histogram.height = height;
    const context = this.#histogram.getContext('2d')!;
    context.fillStyle = getComputedStyle(document.documentElement).getPropertyValue('--accent');
    const most = Math.max(...histogram);
    histogram.forEach((count, byte) => {
      const bar = Math.ceil(Math.sqrt(count / most) * height);
      context.fillRect(byte, height - bar, 1, bar);
    });
    const byte = histogram.indexOf(most);
    element('histogram-most', HTMLElement).textContent =
      `most often: ${byte} (0x${byte.toString(16).padStart(2, '0')}), ${countText(most)} times`;
  }
}
