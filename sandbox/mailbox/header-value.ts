import { utf8 } from '../../shared/utf8.ts';

/**
 * The value of a raw header line, in one line and with its encoded words (RFC 2047) decoded.
 * @param raw a byte a character; a line that names an address beyond ASCII is UTF-8 (RFC 6532)
 */
export function headerValue(raw: string): string {
  const line = utf8(Buffer.from(raw, 'latin1')) ?? raw;
  const unfolded = line
    .slice(line.indexOf(':') + 1)
    .replace(/\r?\n(?=[ \t])/g, '')
    .trim();
  // White space between two encoded words is not part of the text.
  const joined = unfolded.replace(/(=\?[^?\s]+\?[BQ]\?[^?\s]*\?=)\s+(?==\?)/gi, '$1');
  return joined.replace(/=\?([^?*\s]+)[^?\s]*\?([BQ])\?([^?\s]*)\?=/gi, decodeWord);
}

function decodeWord(word: string, charset: string, encoding: string, text: string): string {
  const bytes = encoding.toUpperCase() === 'B' ? Buffer.from(text, 'base64') : quotedBytes(text);
  try {
    return new TextDecoder(charset).decode(bytes);
  } catch {
    return word;
  }
}

function quotedBytes(text: string): Buffer {
  const octets = text
    .replaceAll('_', ' ')
    .replace(/=([0-9A-F]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(octets, 'latin1');
}
