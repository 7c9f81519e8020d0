import type { RowOperation, Table } from '../../shared/storage/table.ts';
import type { Mutation } from './mutations.ts';

/** Writes what happens at the ports, one line each: to understand a run that broke a promise. */
export function tracing(now: () => number, write: (line: string) => void, about = ''): Mutation {
  let adapters = 0;
  const say = (who: number, line: string) => {
    if (line.includes(about)) write(`${(now() / 1000).toFixed(3).padStart(10)} p${who} ${line}`);
  };
  const told = async <T>(who: number, what: string, call: Promise<T>, show: (value: T) => string): Promise<T> => {
    say(who, `> ${what}`);
    try {
      const value = await call;
      say(who, `< ${what} ${show(value)}`);
      return value;
    } catch (error) {
      say(who, `! ${what} ${String(error)} ${(error as { rowKey?: string }).rowKey ?? ''}`);
      throw error;
    }
  };
  return {
    adapters: (real) => {
      adapters += 1;
      const who = adapters;
      const { mails } = real.tables;
      const table: Table = {
        get: (partition, key) =>
          told(who, `get ${shortOf(partition)} ${key}`, mails.get(partition, key), ({ row }) =>
            JSON.stringify(key === '0' ? row?.properties : row?.properties['state']),
          ),
        write: (partition, operations) =>
          told(
            who,
            `write ${shortOf(partition)} ${operations.map(shown).join(' ')}`,
            mails.write(partition, operations),
            () => '',
          ),
        query: (partition, range) =>
          told(who, `query ${shortOf(partition)} ${range.from}`, mails.query(partition, range), ({ rows }) =>
            rows.map(({ rowKey, properties }) => `${rowKey.slice(0, 45)}:${properties['claimedBy'] ?? ''}`).join(' '),
          ),
        scan: (...range) => mails.scan(...range),
      };
      return {
        ...real,
        tables: { ...real.tables, mails: table },
        queues: {
          ...real.queues,
          depth: (queue) => real.queues.depth(queue),
          send: (queue, text, seconds) =>
            told(
              who,
              `put ${queue} ${seconds ?? 0} ${text.slice(0, 300)}`,
              real.queues.send(queue, text, seconds),
              () => '',
            ),
        },
        graph: {
          send: (token, body, id, timeout) =>
            told(
              who,
              `post ${/"subject":"([^"]*)"/.exec(body)?.[1]}`,
              real.graph.send(token, body, id, timeout),
              (answer) => JSON.stringify(answer),
            ),
        },
      };
    },
    delivery: (delivery) => {
      say(0, `deliver ${delivery.owner} ${delivery.isTicket ? 'ticket' : ''} ${delivery.redelivered ? 'again' : ''}`);
      return delivery;
    },
  };
}

function shown(operation: RowOperation): string {
  if (operation.kind === 'delete') return `delete(${operation.rowKey})`;
  const { content: _, data: _d, contentHash: _h, ...properties } = operation.properties;
  return `${operation.kind}(${operation.rowKey} ${JSON.stringify(properties)}${'etag' in operation ? ' ?' : ''})`;
}

function shortOf(partition: string): string {
  return `lane${partition.slice(-1)}`;
}
