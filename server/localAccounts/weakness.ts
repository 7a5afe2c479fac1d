export const MIN_LENGTH = 12;
export const MAX_LENGTH = 128;

/** So much of a password has to be its person's own, once what everybody uses is taken out. */
const MIN_OWN = 6;

/** What the lists of stolen passwords are made of. */
const WORDS =
  `password passwort passwd pass qwerty qwertz azerty letmein welcome willkommen bienvenue monkey dragon iloveyou trustno1 sunshine princess
  football baseball basketball superman batman spiderman master shadow michael jordan ashley jessica charlie daniel andrew joshua thomas robert
  jennifer hunter soccer hockey killer starwars pokemon computer internet samsung google facebook linkedin microsoft windows apple android
  administrator admin superuser root user login guest test demo secret changeme change default summer winter spring autumn love hello freedom
  whatever nothing mustang ferrari mercedes porsche chelsea liverpool arsenal barcelona juventus realmadrid cheese cookie flower chocolate
  butterfly purple orange banana yellow silver diamond access cisco oracle postgresql postgres database gatehouse company office please money
  angel babygirl lovely family forever friends qazwsx 1q2w3e4r q1w2e3r4 1qaz2wsx zaq12wsx asdf zxcvbn abc123 a1b2c3d4 correcthorsebatterystaple
  january february march april june july august september october november december monday tuesday wednesday thursday friday saturday sunday
  jesus christ blessed killer matrix phoenix tigger pepper ginger maggie buster soleil motdepasse contraseña contrasena senha heslo lösenord
  temporary temp 123456 letmein2 opensesame sesame mypassword`
    .split(/\s+/)
    .sort((a, b) => b.length - a.length);

const ROWS = ['0123456789', '1234567890', 'qwertyuiop', 'qwertzuiop', 'asdfghjkl', 'yxcvbnm', 'zxcvbnm', 'abcdefghijklmnopqrstuvwxyz'];
const SEQUENCES = ROWS.flatMap((row) => [row, [...row].reverse().join('')]);

const WRITTEN_FOR: Readonly<Record<string, string>> = {
  '@': 'a',
  '4': 'a',
  '3': 'e',
  '1': 'l',
  '!': 'i',
  '0': 'o',
  $: 's',
  '5': 's',
  '7': 't',
};

/**
 * Why a password is not taken, in words for its person; null when it is. `own` are names and addresses of theirs. Pure.
 */
export function weaknessOf(password: string, own: readonly string[]): string | null {
  const characters = [...password.normalize('NFKC')];
  if (characters.length < MIN_LENGTH) return `at least ${MIN_LENGTH} characters`;
  if (characters.length > MAX_LENGTH) return `at most ${MAX_LENGTH} characters`;
  if (ownPart(characters.join('').toLowerCase(), own) >= MIN_OWN) return null;
  return 'too easy to guess: common words, names, rows of keys and repetitions do not count; add words of your own';
}

/** How many characters are left without what everybody uses. */
function ownPart(password: string, own: readonly string[]): number {
  const names = own.map((name) => name.toLowerCase()).flatMap((name) => [name, ...name.split(/[^\p{L}\p{N}]+/u)]);
  const words = [...names.filter((name) => name.length >= 3), ...WORDS];
  let rest = password.replace(/\s+/g, '');
  for (const word of words) rest = without(rest, word);
  rest = withoutRuns(rest).replace(/(19|20)\d\d/g, '');
  // `xyzxyzxyz` says no more than `xyz`.
  return [...rest.replace(/(.+?)\1+/gu, '$1')].length;
}

/** Without a word, however its letters are written: `p@ssw0rd`. */
function without(text: string, word: string): string {
  let rest = text;
  for (const read of [asIs, asLetters]) {
    for (let at = read(rest).indexOf(word); at >= 0; at = read(rest).indexOf(word)) rest = rest.slice(0, at) + rest.slice(at + word.length);
  }
  return rest;
}

const asIs = (text: string): string => text;
// A letter for a character: places in it are places in the text.
const asLetters = (text: string): string => text.replace(/[@4310!$57]/g, (character) => WRITTEN_FOR[character] ?? character);

/** Without three or more keys in a row: `123`, `trewq`. */
function withoutRuns(text: string): string {
  let rest = '';
  for (let at = 0; at < text.length; ) {
    let length = 0;
    for (const sequence of SEQUENCES) {
      const from = sequence.indexOf(text.charAt(at));
      let run = 0;
      while (from >= 0 && at + run < text.length && sequence.charAt(from + run) === text.charAt(at + run)) run++;
      length = Math.max(length, run);
    }
    if (length < 3) rest += text.charAt(at);
    at += length < 3 ? 1 : length;
  }
  return rest;
}
