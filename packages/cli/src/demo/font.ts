export const GLYPH_WIDTH = 3;
export const GLYPH_HEIGHT = 5;

/** Rows from top to bottom as octal digits: the dots of one row are the three bits of a digit. */
const GLYPHS: Readonly<Record<string, string>> = {
  A: '25755',
  B: '65656',
  C: '34443',
  D: '65556',
  E: '74647',
  F: '74644',
  G: '34553',
  H: '55755',
  I: '72227',
  J: '11152',
  K: '55655',
  L: '44447',
  M: '57755',
  N: '65555',
  O: '25552',
  P: '65644',
  Q: '25563',
  R: '65655',
  S: '34216',
  T: '72222',
  U: '55557',
  V: '55552',
  W: '55775',
  X: '55255',
  Y: '55222',
  Z: '71247',
  0: '75557',
  1: '26227',
  2: '61247',
  3: '61216',
  4: '55711',
  5: '74616',
  6: '34757',
  7: '71222',
  8: '75757',
  9: '75716',
  '.': '00002',
  ',': '00024',
  '-': '00700',
  ':': '02020',
  '/': '11244',
  '%': '51245',
  '(': '12221',
  ')': '42224',
  ' ': '00000',
};

/** The rows of a character's picture, three bits each; unknown characters are blank. */
export function glyph(character: string): number[] {
  return [...(GLYPHS[character] ?? '00000')].map(Number);
}
