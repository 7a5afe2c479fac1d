import type pg from 'pg';

export interface Described {
  name: string;
  tableOid: number;
  attributeNumber: number;
}

interface Field {
  name: string;
  tableID: number;
  columnID: number;
}

/** What the server's RowDescription says of a statement, which is parsed and described but not run. */
export async function describeStatement(client: pg.Client, text: string, path: readonly string[]): Promise<readonly Described[]> {
  await client.query(`set search_path = ${path.join(',')}`);
  return new Promise((resolve, reject) => {
    let fields: readonly Field[] = [];
    let failed = false;
    // A Submittable, as pg calls what drives a connection itself.
    const description: pg.Submittable & Record<string, unknown> = {
      submit(connection: pg.Connection) {
        connection.parse({ text, name: '', types: [] }, true);
        connection.describe({ type: 'S', name: '' }, true);
        connection.sync();
      },
      handleRowDescription(message: { fields: readonly Field[] }) {
        fields = message.fields;
      },
      handleError(error: Error) {
        failed = true;
        reject(error);
      },
      handleReadyForQuery() {
        if (!failed) resolve(fields.map(({ name, tableID, columnID }) => ({ name, tableOid: tableID, attributeNumber: columnID })));
      },
    };
    client.query(description);
  });
}
