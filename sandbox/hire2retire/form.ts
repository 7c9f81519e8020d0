import { type Html, html } from '../kit/page.ts';
import type { Call } from '../kit/serve.ts';

/** What a form posted, trimmed. */
export type Values = Readonly<Record<string, string>>;

/** Reads the named fields of a posted form; everything else in it is ignored. */
export function readForm<Name extends string>(call: Call, names: readonly Name[]): Readonly<Record<Name, string>> {
  const posted = new URLSearchParams(call.body.toString('utf8'));
  const entries = names.map((name) => [name, (posted.get(name) ?? '').trim()] as const);
  return Object.fromEntries(entries) as Record<Name, string>;
}

export interface Field {
  readonly name: string;
  readonly label: string;
  readonly hint?: string | Html;
  readonly optional?: boolean;
  /** A secret is never sent back to the browser. */
  readonly secret?: boolean;
  readonly email?: boolean;
  readonly placeholder?: string;
}

/** A labelled input, with what is wrong about it. */
export function textField(field: Field, values: Values, errors: Values): Html {
  const { name, label, hint, optional, secret, email, placeholder } = field;
  const error = errors[name];
  const described = [hint && `${name}-hint`, error && `${name}-error`].filter(Boolean).join(' ');
  return html`<div class="field">
<label for="${name}">${label}${optional && html` <span class="optional">(optional)</span>`}</label>
${hint && html`<p class="hint" id="${name}-hint">${hint}</p>`}
${error && html`<p class="error" id="${name}-error">${error}</p>`}
<input id="${name}" name="${name}" type="${secret ? 'password' : 'text'}" value="${secret ? '' : (values[name] ?? '')}"
 autocomplete="off" autocapitalize="none" spellcheck="false"${email && html` inputmode="email"`}${placeholder && html` placeholder="${placeholder}"`}${!optional && html` required`}${described && html` aria-describedby="${described}"`}${error && html` aria-invalid="true"`}>
</div>`;
}
