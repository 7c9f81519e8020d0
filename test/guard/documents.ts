import { filesBelow, read } from './repository.ts';

/** A block of code in a document, with the comment above it that says what holds it to be true. */
export interface CodeBlock {
  readonly file: string;
  readonly language: string;
  /** `example: …` names a check of test/flow/documents.test.ts; `from …` the file that it is a part of. */
  readonly marker: string;
  readonly text: string;
}

export function codeBlocks(): CodeBlock[] {
  return filesBelow()
    .filter((file) => file.endsWith('.md'))
    .flatMap((file) =>
      [...read(file).matchAll(/(?:^<!-- (.+?) -->\n)?^```(\w*)\n(.*?)^```/gms)].map(
        ([, marker = '', language = '', text = '']) => ({ file, language, marker, text }),
      ),
    );
}

/** The one block that is marked as this example. */
export function exampleIn(file: string, name: string): string {
  const [block] = codeBlocks().filter((each) => each.file === file && each.marker === `example: ${name}`);
  if (!block) throw new Error(`${file} has no example "${name}".`);
  return block.text;
}
