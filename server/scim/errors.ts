/** What a SCIM client is refused with (RFC 7644 §3.12). */
export class ScimError extends Error {
  override name = 'ScimError';

  constructor(
    readonly status: number,
    message: string,
    readonly scimType?: 'invalidFilter' | 'invalidValue' | 'invalidPath' | 'invalidSyntax' | 'mutability' | 'uniqueness',
  ) {
    super(message);
  }
}

export const noSuch = (what: 'User' | 'Group', id: string) => new ScimError(404, `${what} ${id} does not exist`);

export const errorBody = (status: number, detail: string, scimType?: string): object => ({
  schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
  status: String(status),
  ...(scimType === undefined ? {} : { scimType }),
  detail,
});
