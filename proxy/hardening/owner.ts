/** The role that owns the masking views and alone may read what they mask. It cannot sign in. */
export const ownerOf = (role: string): string => {
  const name = `${role}_masks`;
  return Buffer.byteLength(name) <= 63
    ? name
    : `${Buffer.from(role)
        .subarray(0, 57)
        .toString('utf8')
        .replace(/\ufffd+$/, '')}_masks`;
};
