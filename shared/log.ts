/** Fields of a telemetry event: ids, codes, counts and durations. Never a token, secret, address, subject or body. */
export type EventFields = Readonly<Record<string, string | number | boolean | undefined>>;

export interface Log {
  event(name: string, fields?: EventFields): void;
  /** Something that an alert or a person should see. */
  warning(name: string, fields?: EventFields): void;
  /** An unexpected error: name and stack go to the log; its message only when the error is one of ours. */
  failure(name: string, error: unknown, fields?: EventFields): void;
}

/** One execution of a function, handed down to everything that it does. */
export interface Invocation {
  /** Unique per execution: a redelivered queue message is another invocation. */
  readonly id: string;
  readonly correlationId: string;
  readonly log: Log;
}

/** Writes one JSON line per event. `write` receives a level and the line. */
export function jsonLog(
  write: (level: 'info' | 'warn' | 'error', line: string) => void,
  context: EventFields = {},
): Log {
  const line = (event: string, fields: EventFields | undefined, more: EventFields = {}) =>
    JSON.stringify({ event, ...context, ...fields, ...more });
  return {
    event: (name, fields) => write('info', line(name, fields)),
    warning: (name, fields) => write('warn', line(name, fields)),
    failure: (name, error, fields) => write('error', line(name, fields, describeError(error))),
  };
}

/**
 * What may be logged of an error. Messages of SDK errors can quote request URLs and bodies, so only their class, code,
 * status and the code locations of the stack are kept.
 */
export function describeError(error: unknown): EventFields {
  if (!(error instanceof Error)) return { error: typeof error };
  const { code, statusCode } = error as { code?: unknown; statusCode?: unknown };
  const frames = (error.stack ?? '')
    .split('\n')
    .filter((frame) => /^\s+at /.test(frame))
    .slice(0, 6)
    .map((frame) => frame.trim())
    .join(' < ');
  return {
    error: error.name,
    ...(typeof code === 'string' && { code }),
    ...(typeof statusCode === 'number' && { status: statusCode }),
    frames,
  };
}
