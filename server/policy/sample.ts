/** The policy document of the public contract, word for word: it must always apply. */
export const SAMPLE = `version: 1
connections:
  - name: shop                       # the dbname clients use
    host: 127.0.0.1
    port: 5432
    database: shop
    username: app
    password: \${SHOP_PASSWORD}
    tls: verify-full                 # disable | prefer | require | verify-ca | verify-full
    default: allow                   # allow | hold | deny: statements that no rule matches
    opaque: hold                     # statements whose effects cannot be known (DO, dynamic SQL, unknown functions)
    superuser: refuse                # refuse | allow: an upstream superuser or BYPASSRLS role where masking applies
    limits: { maxRows: 100000, statementTimeout: 30s, maxSessions: 50 }
    record: { results: masked, maxRows: 200 }     # off | masked
groups: [agents, support, dba, pii-cleared]
principals:
  - { name: support-bot, kind: agent, owner: ana, groups: [agents] }
  - { name: ana, kind: human, email: ana@example.com, groups: [support] }
  - { name: bo, kind: human, email: bo@example.com, groups: [dba], role: reviewer }   # admin | reviewer | auditor | member
access:
  - { connections: [shop], groups: [agents, support] }
masking:
  - name: customer-pii
    connections: [shop]
    columns: [public.customers.ssn, "public.*.card_number"]
    mask: { type: partial, keepLast: 4 }         # redact | null | partial | hash | email | date | number | constant
    inference: guarded                           # open | guarded | closed | masked: masked columns in WHERE, JOIN, ORDER BY …
    exceptGroups: [pii-cleared]
    mode: enforce                                # off | observe | enforce
  - name: cards-anywhere
    connections: ["*"]
    detect: [credit_card, ssn, email, iban, phone, api_key]   # content, in any column, second net
    mask: { type: redact }
rules:
  - name: no-destruction
    connections: ["*"]
    match: { statements: [DROP, TRUNCATE, ALTER ROLE, GRANT, COPY PROGRAM] }
    action: deny
    message: Destructive statements go through a migration.
  - name: review-deletes
    connections: [shop]
    groups: [agents]
    match: { statements: [DELETE] }
    action: hold
    approval: { groups: [dba], count: 1, expiresIn: 15m }
  - name: review-mass-writes
    match: { statements: [UPDATE, DELETE, MERGE], unbounded: true }
    action: hold
    approval: { groups: [dba], count: 2 }
  - name: blast-radius
    match: { statements: [UPDATE, DELETE, MERGE], maxAffectedRows: 100 }   # measured while it runs; above it: rolled back
    action: deny
  - name: legacy-pattern
    match: { sql: "pg_sleep\\\\s*\\\\(" }              # text pattern, for what the grammar cannot name
    action: deny
`;
