import { parseArgs } from 'node:util';

export interface Arguments {
  readonly json: boolean;
  readonly host: boolean;
  readonly help: boolean;
  readonly workers?: number;
  readonly redeliverySeconds?: number;
}

export const USAGE = `Usage: npm run sandbox -- [options]

Runs the functions and everything they talk to on this computer: storage, Key Vault, Microsoft's sign-in and Graph, a
mailbox to look at what was sent, and pages that stand in for Hire2Retire. Needs no Azure account and no Docker.

  --json         print one line of JSON on standard output when ready (use "npm run -s sandbox -- --json")
  --no-host      everything but the functions: writes local.settings.json for "func start" on port 7071
  --workers N    worker processes that run the functions (default 1)
  --help         this text

  SANDBOX_REDELIVERY_SECONDS   seconds until a message reappears whose function died or failed (default 600, as on Azure)
  Any setting of the product that is set in the environment wins over the sandbox's, for example
  API_AUTH=entra                             callers prove themselves by a token, Hire2Retire's pages too
  SERVICE_PROVIDER_CREDENTIAL=federated      RoboMQ's application has no secret: the managed identity vouches for it
`;

/**
 * Reads command line and environment.
 * @throws {Error} with a sentence for the person who typed it
 */
export function readArguments(argv: readonly string[], environment: NodeJS.ProcessEnv): Arguments {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      json: { type: 'boolean', default: false },
      'no-host': { type: 'boolean', default: false },
      workers: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const workers = wholeNumber('--workers', values.workers, 64);
  const redelivery = wholeNumber('SANDBOX_REDELIVERY_SECONDS', environment['SANDBOX_REDELIVERY_SECONDS'], 604_800);
  return {
    json: values.json,
    host: !values['no-host'],
    help: values.help,
    ...(workers !== undefined && { workers }),
    ...(redelivery !== undefined && { redeliverySeconds: redelivery }),
  };
}

function wholeNumber(name: string, text: string | undefined, maximum: number): number | undefined {
  if (text === undefined || text === '') return undefined;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > maximum)
    throw new Error(`${name} must be a whole number from 1 to ${maximum}.`);
  return value;
}
