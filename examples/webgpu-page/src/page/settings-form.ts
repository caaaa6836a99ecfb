import { MEMORIES, SCENES, type Settings, SIZES } from '../settings.js';
import { element } from './element.js';
import { bytesText } from './text.js';

const EVICTION_HINTS: Readonly<Record<Settings['eviction'], string>> = {
  lru: 'The page that nobody used for longest leaves first.',
  clock: 'The oldest page leaves, unless it was used since it was last looked at.',
  fifo: 'The page that came first leaves first.',
};
const PREFETCH_HINTS: Readonly<Record<Settings['prefetch'], string>> = {
  none: 'Only pages that fault are brought.',
  next: 'The pages behind a fault come along.',
  tree: 'Where most of a neighbourhood is there, the rest comes along.',
};

/** The form with what can be chosen about device and scene. */
export class SettingsForm {
  readonly #form = element('settings', HTMLFormElement);
  readonly #memory = element('memory', HTMLInputElement);
  readonly #text = element('memory-text', HTMLOutputElement);
  readonly #eviction = element('eviction', HTMLSelectElement);
  readonly #prefetch = element('prefetch', HTMLSelectElement);
  readonly #scene = element('scene', HTMLSelectElement);
  readonly #size = element('size', HTMLSelectElement);
  #sceneBytes: number | undefined;

  /** Shows settings; `onChange` gets what is chosen then. */
  constructor(settings: Settings, onChange: (settings: Settings) => void) {
    for (const [name, { label }] of Object.entries(SCENES)) this.#scene.append(new Option(label, name));
    const size = `${settings.width}x${settings.height}`;
    for (const choice of new Set([...SIZES, size])) this.#size.append(new Option(choice.replace('x', ' × '), choice));
    this.#memory.max = String(MEMORIES.length - 1);
    this.#memory.value = String(MEMORIES.indexOf(settings.memory));
    this.#eviction.value = settings.eviction;
    this.#prefetch.value = settings.prefetch;
    this.#scene.value = settings.scene;
    this.#size.value = size;
    this.#show();
    this.#form.addEventListener('input', () => this.#show());
    this.#form.addEventListener('change', () => onChange(this.settings));
    this.#form.addEventListener('submit', (event) => event.preventDefault());
  }

  /** What is chosen. */
  get settings(): Settings {
    const [width, height] = this.#size.value.split('x').map(Number) as [number, number];
    return {
      memory: MEMORIES[Number(this.#memory.value)]!,
      eviction: this.#eviction.value as Settings['eviction'],
      prefetch: this.#prefetch.value as Settings['prefetch'],
      scene: this.#scene.value as Settings['scene'],
      width,
      height,
    };
  }

  /** The scene's size is known. */
  set sceneBytes(bytes: number) {
    this.#sceneBytes = bytes;
    this.#show();
  }

  /** Nothing can be chosen where nothing works. */
  set disabled(disabled: boolean) {
    for (const control of this.#form.elements) (control as HTMLInputElement).disabled = disabled;
  }

  #show(): void {
    const { memory, eviction, prefetch } = this.settings;
    element('hints', HTMLElement).textContent = `${EVICTION_HINTS[eviction]} ${PREFETCH_HINTS[prefetch]}`;
    const part = this.#sceneBytes === undefined ? '' : shareText(memory / this.#sceneBytes);
    const text = bytesText(memory) + part;
    this.#text.value = text;
    this.#memory.setAttribute('aria-valuetext', text);
  }
}

function shareText(share: number): string {
  return share >= 1 ? ', more than the scene' : `, ${Math.round(100 * share)} % of the scene`;
}
