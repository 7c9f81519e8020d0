/** The body of a mail as it was handed in. */
export interface SentBody {
  readonly type: 'text' | 'html';
  readonly content: string;
}

/**
 * Finds the body in the source of a mail that `toMime` made: the first part that holds no parts, base64 as `toMime` has it
 * encoded. A parser for mails from anywhere turns line ends into those of its own and adds one at the end.
 * @returns undefined when the first part is no such body
 */
export function sentBody(source: string): SentBody | undefined {
  const { head, rest } = split(source);
  const type = field(head, 'content-type');
  const boundary = /^multipart\/[^;]+;.*boundary="?([^";]+)"?/is.exec(type)?.[1];
  if (boundary !== undefined) {
    const [, first] = rest.split(`--${boundary}\r\n`);
    return first === undefined ? undefined : sentBody(first.split(`\r\n--${boundary}`, 1)[0] ?? '');
  }
  const isBody = /^text\/(plain|html)\b/i.exec(type)?.[1]?.toLowerCase();
  if (!isBody || field(head, 'content-disposition') || !/^base64$/i.test(field(head, 'content-transfer-encoding')))
    return undefined;
  return { type: isBody === 'html' ? 'html' : 'text', content: Buffer.from(rest, 'base64').toString('utf8') };
}

function split(part: string) {
  const end = part.indexOf('\r\n\r\n');
  return end < 0 ? { head: part, rest: '' } : { head: part.slice(0, end), rest: part.slice(end + 4) };
}

function field(head: string, name: string): string {
  const unfolded = head.replace(/\r\n(?=[ \t])/g, '');
  const line = unfolded.split('\r\n').find((each) => each.toLowerCase().startsWith(`${name}:`));
  return line?.slice(name.length + 1).trim() ?? '';
}
