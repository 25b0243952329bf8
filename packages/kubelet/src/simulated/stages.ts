/**
 * What simulated pods do, and when: rules of a small YAML file, the first of which that matches a pod is its.
 *
 *     stages:
 *       - name: the batch jobs of team a fail once, then succeed after 5 to 10 s
 *         match:
 *           namespaces: [team-a]
 *           owners: [Job]               # kinds of the controlling owner; '' stands for none
 *           labels: app=batch,tier!=x   # a label selector
 *           annotations: { example.com/flaky: 'true' }
 *           images: ['*:missing']       # of any container; * stands for any text
 *         create: 200ms                 # bound → containers start (sandbox, volumes, images)
 *         init: 1s                      # each init container
 *         ready: 2s                     # containers start → ready; `never`; default: the readiness probe's initial delay
 *         run: 5s..10s                  # containers start → exit; `never`: they run on
 *         exitCodes: [1, 0]             # of the first run, the second …; the last one repeats
 *         terminate: 0s                 # deletion → containers have ended; at most the pod's grace period
 *         image: present                # `missing`: the containers wait for their image for ever
 *
 * A field that a rule does not name is as in the last default rule. All app containers of a pod act alike. A pod's
 * annotations `stages.kubets.dev/<field>` (`stages.kubets.dev/run: 3s`, `stages.kubets.dev/exitCodes: 1,0`) win over its rule.
 */
import { parseSelector, type Selector } from '@kubets/apimachinery/labels';
import type { Pod } from '@kubets/api/types/core-v1';
import { never, noDelay, parseDelay, type Delay } from './delay.ts';

/** What a pod does. */
export interface Behaviour {
  readonly create: Delay;
  readonly init: Delay;
  /** Absent: after the readiness probe's initial delay. */
  readonly ready?: Delay;
  readonly run: Delay;
  /** Never empty. */
  readonly exitCodes: readonly number[];
  readonly terminate: Delay;
  readonly image: 'present' | 'missing';
}

/** Which pods a rule is for: all that is named must hold. */
interface Match {
  readonly namespaces?: readonly string[];
  readonly owners?: readonly string[];
  readonly labels?: Selector;
  readonly annotations?: readonly (readonly [string, string])[];
  readonly images?: RegExp;
}

export interface Stage {
  readonly name: string;
  readonly match: Match;
  readonly behaviour: Partial<Behaviour>;
}

const usual: Behaviour = {
  create: { min: 200, max: 200 },
  init: noDelay,
  run: never,
  exitCodes: [0],
  terminate: noDelay,
  image: 'present',
};

/** Behind the rules of a file: pods of jobs succeed after a second, the tag `missing` names no image. */
const defaultStages: readonly unknown[] = [
  { name: 'images that are missing', match: { images: ['*:missing'] }, image: 'missing' },
  { name: 'pods of jobs', match: { owners: ['Job'] }, run: '1s' },
];

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function strings(value: unknown, what: string): string[] {
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value as string[];
  throw new Error(`${what} is no list of texts`);
}

function text(value: unknown, what: string): string {
  if (typeof value === 'string') return value;
  throw new Error(`${what} is no text`);
}

function exitCode(value: unknown): number {
  const code = Number(value);
  if (Number.isInteger(code) && code >= 0 && code <= 255) return code;
  throw new Error(`${JSON.stringify(value)} is no exit code from 0 to 255`);
}

function exitCodes(value: unknown): number[] {
  const codes = typeof value === 'string' ? value.split(',') : value;
  if (!Array.isArray(codes) || codes.length === 0) throw new Error('is no list of exit codes');
  return codes.map(exitCode);
}

function imageState(value: unknown): Behaviour['image'] {
  if (value === 'present' || value === 'missing') return value;
  throw new Error('is neither present nor missing');
}

const delay = (value: unknown): Delay => parseDelay(text(value, 'the value'));

/** How each field of a behaviour is read. */
const readers: { readonly [K in keyof Behaviour]-?: (value: unknown) => NonNullable<Behaviour[K]> } = {
  create: delay,
  init: delay,
  ready: delay,
  run: delay,
  exitCodes,
  terminate: delay,
  image: imageState,
};

function readField(name: string, value: unknown, where: string): Partial<Behaviour> {
  if (!Object.hasOwn(readers, name)) throw new Error(`${where}: unknown field ${JSON.stringify(name)}`);
  try {
    return { [name]: readers[name as keyof Behaviour](value) };
  } catch (error) {
    throw new Error(`${where}.${name}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/** Image patterns as one expression: only `*` means something. */
function imagePattern(patterns: readonly string[]): RegExp {
  const sources = patterns.map((pattern) => pattern.split('*').map(RegExp.escape).join('.*'));
  return new RegExp(`^(?:${sources.join('|')})$`, 's');
}

const matchReaders: { readonly [K in keyof Match]-?: (value: unknown, what: string) => NonNullable<Match[K]> } = {
  namespaces: strings,
  owners: strings,
  labels: (value, what) => parseSelector(text(value, what)),
  annotations: (value, what) => {
    if (!isFields(value)) throw new Error(`${what} is no map`);
    return Object.entries(value).map(([key, wanted]) => [key, text(wanted, `${what}.${key}`)] as const);
  },
  images: (value, what) => imagePattern(strings(value, what)),
};

function readMatch(value: unknown, where: string): Match {
  if (value === undefined) return {};
  if (!isFields(value)) throw new Error(`${where}.match is no map`);
  const entries = Object.entries(value).map(([name, given]) => {
    if (!Object.hasOwn(matchReaders, name)) throw new Error(`${where}.match: unknown field ${JSON.stringify(name)}`);
    return [name, matchReaders[name as keyof Match](given, `${where}.match.${name}`)];
  });
  return Object.fromEntries(entries) as Match;
}

function readStage(value: unknown, index: number): Stage {
  const where = `stages[${index}]`;
  if (!isFields(value)) throw new Error(`${where} is no map`);
  const { name = where, match, ...fields } = value;
  const behaviour: Partial<Behaviour> = {};
  for (const [field, given] of Object.entries(fields)) Object.assign(behaviour, readField(field, given, where));
  return { name: text(name, `${where}.name`), match: readMatch(match, where), behaviour };
}

/**
 * The rules of a parsed file, with the default ones behind them. Undefined stands for no file.
 *
 * @throws Error that names the place and what is wrong there.
 */
export function readStages(file: unknown): readonly Stage[] {
  if (file === undefined) return defaultStages.map(readStage);
  if (!isFields(file)) throw new Error('the file is no map with a list called stages');
  const unknown = Object.keys(file).find((name) => name !== 'stages');
  if (unknown !== undefined) throw new Error(`unknown field ${JSON.stringify(unknown)}: only stages is known`);
  if (!Array.isArray(file['stages'])) throw new Error('stages is no list');
  return [...file['stages'].map(readStage), ...defaultStages.map(readStage)];
}

function imagesMatch(pod: Readonly<Pod>, images: RegExp): boolean {
  return pod.spec?.containers.some((container) => images.test(container.image ?? '')) === true;
}

function matches(pod: Readonly<Pod>, { namespaces, owners, labels, annotations, images }: Match): boolean {
  const { metadata } = pod;
  if (namespaces !== undefined && !namespaces.includes(metadata.namespace ?? '')) return false;
  if (owners !== undefined) {
    const owner = metadata.ownerReferences?.find((reference) => reference.controller === true);
    if (!owners.includes(owner?.kind ?? '')) return false;
  }
  if (labels !== undefined && !labels.matches(metadata.labels)) return false;
  if (annotations?.some(([key, value]) => metadata.annotations?.[key] !== value) === true) return false;
  return images === undefined || imagesMatch(pod, images);
}

const annotationPrefix = 'stages.kubets.dev/';

/** What the pod's own annotations say; what cannot be read is told to `onError` and passed over. */
function ownBehaviour(pod: Readonly<Pod>, onError: (problem: string) => void): Partial<Behaviour> | undefined {
  const { annotations } = pod.metadata;
  let own: Partial<Behaviour> | undefined;
  for (const key in annotations) {
    if (!key.startsWith(annotationPrefix)) continue;
    try {
      own = { ...own, ...readField(key.slice(annotationPrefix.length), annotations[key], 'annotations') };
    } catch (error) {
      onError(error instanceof Error ? error.message : String(error));
    }
  }
  return own;
}

/** What each rule comes to with all its fields: made once, pods share them. */
const complete = new WeakMap<Stage, Behaviour>();

function behaviourOfStage(stage: Stage): Behaviour {
  let behaviour = complete.get(stage);
  if (behaviour === undefined) {
    behaviour = { ...usual, ...stage.behaviour };
    complete.set(stage, behaviour);
  }
  return behaviour;
}

/** What a pod does. Annotations that cannot be read are told to `onError`, and change nothing. */
export function behaviourOf(
  pod: Readonly<Pod>,
  stages: readonly Stage[],
  onError: (problem: string) => void,
): Behaviour {
  const stage = stages.find((candidate) => matches(pod, candidate.match));
  const behaviour = stage === undefined ? usual : behaviourOfStage(stage);
  const own = ownBehaviour(pod, onError);
  return own === undefined ? behaviour : { ...behaviour, ...own };
}
