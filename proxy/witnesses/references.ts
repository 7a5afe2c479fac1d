import { WitnessError } from './witness';

type Environment = Readonly<Record<string, string | undefined>>;

/** A secret of a witness: what is `${NAME}` is read from the environment when it is used. @throws WitnessError that names it */
export function readReference(text: string | undefined, env: Environment): string | null {
  if (text === undefined) return null;
  const name = /^\$\{([A-Za-z_]\w*)\}$/.exec(text)?.[1];
  if (name === undefined) return text;
  const value = env[name];
  if (value === undefined || value === '') throw new WitnessError(`the environment variable ${name} is not set where the gateway runs`);
  return value;
}
