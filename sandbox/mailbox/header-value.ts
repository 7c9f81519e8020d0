/** The value of a raw header line, in one line and with its encoded words (RFC 2047) decoded. */
export function headerValue(line: string): string {
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
