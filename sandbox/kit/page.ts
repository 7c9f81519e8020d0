/** Escapes text for HTML content and quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** HTML that is already safe to embed. */
export class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

type Embeddable = string | number | Html | undefined | false | readonly Embeddable[];

/** Tagged template: everything embedded is escaped unless it is `Html` itself. */
export function html(parts: TemplateStringsArray, ...values: Embeddable[]): Html {
  return new Html(parts.reduce((text, part, index) => `${text}${embed(values[index - 1])}${part}`));
}

function embed(value: Embeddable): string {
  if (value === undefined || value === false) return '';
  if (value instanceof Html) return value.text;
  if (typeof value === 'object') return value.map(embed).join('');
  return escapeHtml(String(value));
}
