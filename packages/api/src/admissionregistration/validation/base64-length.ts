/** How many bytes a base64 text stands for: what Go calls the length of a `[]byte` field. */
export function base64Length(text: string): number {
  const padding = text.endsWith('==') ? 2 : Number(text.endsWith('='));
  return Math.floor((text.length * 3) / 4) - padding;
}
