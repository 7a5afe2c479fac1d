/** Bytes of strict base64 (padding, no other characters, no stray bits), or null: one value has one spelling. */
export function readBase64(text: string, sizeBytes?: number): Buffer | null {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64') !== text) return null;
  return sizeBytes === undefined || bytes.length === sizeBytes ? bytes : null;
}
