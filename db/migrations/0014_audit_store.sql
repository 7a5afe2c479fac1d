CREATE TABLE "archives" (
	"node" text NOT NULL,
	"day" date NOT NULL,
	"closes_day" boolean NOT NULL,
	"place" text NOT NULL,
	"from_index" bigint NOT NULL,
	"entries" bigint NOT NULL,
	"size_bytes" bigint NOT NULL,
	"sha256" text NOT NULL,
	"at" timestamp with time zone NOT NULL,
	CONSTRAINT "archives_node_day_from_index_pk" PRIMARY KEY("node","day","from_index")
);
--> statement-breakpoint
CREATE TABLE "record_gaps" (
	"node" text NOT NULL,
	"log_index" bigint NOT NULL,
	"at" timestamp with time zone NOT NULL,
	"kind" text NOT NULL,
	"why" text NOT NULL,
	CONSTRAINT "record_gaps_node_log_index_pk" PRIMARY KEY("node","log_index")
);
--> statement-breakpoint
CREATE TABLE "recorded_results" (
	"statement_id" text NOT NULL,
	"at" timestamp with time zone NOT NULL,
	"node" text NOT NULL,
	"log_index" bigint NOT NULL,
	"columns" jsonb,
	"truncated" boolean NOT NULL,
	"key_id" text,
	"box" "bytea",
	CONSTRAINT "recorded_results_statement_id_at_node_log_index_pk" PRIMARY KEY("statement_id","at","node","log_index")
) PARTITION BY RANGE ("at");
--> statement-breakpoint
CREATE TABLE "ship_positions" (
	"node" text PRIMARY KEY NOT NULL,
	"next_index" bigint NOT NULL,
	"log_size" bigint NOT NULL,
	"at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "sign_in_failures" (
	"node" text NOT NULL,
	"log_index" bigint NOT NULL,
	"at" timestamp with time zone NOT NULL,
	"principal_name" text NOT NULL,
	"connection_name" text NOT NULL,
	"client_address" text NOT NULL,
	"sqlstate" text NOT NULL,
	"reason" text NOT NULL,
	CONSTRAINT "sign_in_failures_at_node_log_index_pk" PRIMARY KEY("at","node","log_index")
) PARTITION BY RANGE ("at");
--> statement-breakpoint
CREATE TABLE "statement_forms" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "statement_forms_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"digest" "bytea" NOT NULL,
	"kind" text NOT NULL,
	"shape" text NOT NULL,
	"fingerprint" text NOT NULL,
	"protocol" text NOT NULL,
	"relations" jsonb NOT NULL,
	"tables" text[] NOT NULL,
	"columns" text[] NOT NULL,
	"effects" jsonb NOT NULL,
	"unbounded" boolean,
	"seen_on" date NOT NULL,
	CONSTRAINT "statement_forms_digest_unique" UNIQUE("digest")
);
--> statement-breakpoint
CREATE TABLE "statement_hours" (
	"hour" timestamp with time zone NOT NULL,
	"source_id" bigint NOT NULL,
	"form_id" bigint NOT NULL,
	"verdict" text NOT NULL,
	"status" text NOT NULL,
	"sqlstate" text NOT NULL,
	"rule" text NOT NULL,
	"masked" boolean NOT NULL,
	"statements" bigint NOT NULL,
	"rows" bigint NOT NULL,
	"bytes" bigint NOT NULL,
	CONSTRAINT "statement_hours_hour_source_id_form_id_verdict_status_sqlstate_rule_masked_pk" PRIMARY KEY("hour","source_id","form_id","verdict","status","sqlstate","rule","masked")
) WITH (fillfactor = 70);
--> statement-breakpoint
CREATE TABLE "statement_masks" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "statement_masks_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"digest" "bytea" NOT NULL,
	"columns" text[] NOT NULL,
	"seen_on" date NOT NULL,
	CONSTRAINT "statement_masks_digest_unique" UNIQUE("digest")
);
--> statement-breakpoint
CREATE TABLE "statement_sources" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "statement_sources_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"digest" "bytea" NOT NULL,
	"node" text NOT NULL,
	"principal_name" text NOT NULL,
	"owner_name" text,
	"connection_name" text NOT NULL,
	"application_name" text NOT NULL,
	"client_host" text NOT NULL,
	"seen_on" date NOT NULL,
	CONSTRAINT "statement_sources_digest_unique" UNIQUE("digest")
);
--> statement-breakpoint
CREATE TABLE "statement_values" (
	"id" text NOT NULL,
	"at" timestamp with time zone NOT NULL,
	"key_id" text NOT NULL,
	"box" "bytea" NOT NULL,
	CONSTRAINT "statement_values_id_at_pk" PRIMARY KEY("id","at")
) PARTITION BY RANGE ("at");
--> statement-breakpoint
CREATE TABLE "transactions" (
	"id" text NOT NULL,
	"at" timestamp with time zone NOT NULL,
	"session_id" text NOT NULL,
	"outcome" text NOT NULL,
	"statements" integer NOT NULL,
	"node" text NOT NULL,
	"log_index" bigint NOT NULL,
	CONSTRAINT "transactions_id_at_pk" PRIMARY KEY("id","at")
) PARTITION BY RANGE ("at");
--> statement-breakpoint
-- What earlier versions recorded holds values in the clear: proxy/ship/carry.ts seals it row by row into the tables of this version.
DROP INDEX "statements_principal";
--> statement-breakpoint
DROP INDEX "statements_fingerprint";
--> statement-breakpoint
DROP INDEX "statements_at";
--> statement-breakpoint
DROP INDEX "statements_session";
--> statement-breakpoint
ALTER TABLE "statements" RENAME TO "statements_before";
--> statement-breakpoint
ALTER TABLE "statements_before" RENAME CONSTRAINT "statements_pkey" TO "statements_before_pkey";
--> statement-breakpoint
CREATE TABLE "statements" (
	"id" text NOT NULL,
	"at" timestamp with time zone NOT NULL,
	"source_id" bigint NOT NULL,
	"form_id" bigint NOT NULL,
	"session_id" text NOT NULL,
	"client_port" integer,
	"verdict" text NOT NULL,
	"rule" text,
	"status" text NOT NULL,
	"sqlstate" text,
	"policy_version" bigint NOT NULL,
	"transaction_status" text NOT NULL,
	"transaction_id" text,
	"run_of" text,
	"request_id" text,
	"grant_id" text,
	"broke_glass" boolean NOT NULL,
	"rows" bigint,
	"bytes" bigint,
	"mask_id" bigint,
	"detected" jsonb,
	"duration_ms" real,
	"analysis_ms" real,
	"wait_ms" real,
	"upstream_ms" real,
	"masking_ms" real,
	"log_index" bigint,
	"outcome_index" bigint,
	"words" bigint[],
	CONSTRAINT "statements_id_at_pk" PRIMARY KEY("id","at")
) PARTITION BY RANGE ("at");
--> statement-breakpoint
ALTER TABLE "sessions" ADD COLUMN "method" text;
--> statement-breakpoint
ALTER TABLE "sessions" ADD COLUMN "encrypted" boolean;
--> statement-breakpoint
ALTER TABLE "sessions" ADD COLUMN "statements_run" bigint;
--> statement-breakpoint
ALTER TABLE "sessions" ADD COLUMN "bytes_in" bigint;
--> statement-breakpoint
ALTER TABLE "sessions" ADD COLUMN "bytes_out" bigint;
--> statement-breakpoint
ALTER TABLE "sessions" ADD COLUMN "node" text;
--> statement-breakpoint
ALTER TABLE "sessions" ADD COLUMN "open_index" bigint;
--> statement-breakpoint
ALTER TABLE "sessions" ADD COLUMN "close_index" bigint;
--> statement-breakpoint
CREATE INDEX "sign_in_failures_principal" ON "sign_in_failures" USING btree ("principal_name","at");
--> statement-breakpoint
CREATE INDEX "statement_forms_kind" ON "statement_forms" USING btree ("kind");
--> statement-breakpoint
CREATE INDEX "statement_forms_fingerprint" ON "statement_forms" USING btree ("fingerprint");
--> statement-breakpoint
CREATE INDEX "statement_forms_tables" ON "statement_forms" USING gin ("tables");
--> statement-breakpoint
CREATE INDEX "statement_forms_columns" ON "statement_forms" USING gin ("columns");
--> statement-breakpoint
CREATE INDEX "statement_hours_form" ON "statement_hours" USING btree ("form_id","hour");
--> statement-breakpoint
CREATE INDEX "statement_hours_source" ON "statement_hours" USING btree ("source_id","hour");
--> statement-breakpoint
CREATE INDEX "statement_sources_principal" ON "statement_sources" USING btree ("principal_name");
--> statement-breakpoint
CREATE INDEX "statement_sources_owner" ON "statement_sources" USING btree ("owner_name");
--> statement-breakpoint
CREATE INDEX "transactions_session" ON "transactions" USING btree ("session_id");
--> statement-breakpoint
CREATE INDEX "statements_form" ON "statements" USING btree ("form_id","at");
--> statement-breakpoint
CREATE INDEX "statements_source" ON "statements" USING btree ("source_id","at");
--> statement-breakpoint
CREATE INDEX "statements_session" ON "statements" USING btree ("session_id","at");
--> statement-breakpoint
CREATE INDEX "statements_request" ON "statements" USING btree ("request_id") WHERE "statements"."request_id" is not null;
--> statement-breakpoint
CREATE INDEX "statements_judged" ON "statements" USING btree ("verdict","at") WHERE "statements"."verdict" <> 'allow';
--> statement-breakpoint
CREATE INDEX "statements_not_done" ON "statements" USING btree ("status","at") WHERE "statements"."status" <> 'done';
--> statement-breakpoint
CREATE INDEX "statements_sqlstate" ON "statements" USING btree ("sqlstate","at") WHERE "statements"."sqlstate" is not null;
--> statement-breakpoint
CREATE INDEX "statements_rule" ON "statements" USING btree ("rule","at") WHERE "statements"."rule" is not null;
--> statement-breakpoint
CREATE INDEX "statements_mask" ON "statements" USING btree ("mask_id","at") WHERE "statements"."mask_id" is not null;
--> statement-breakpoint
CREATE INDEX "statements_detected" ON "statements" USING btree ("at") WHERE "statements"."detected" is not null;
--> statement-breakpoint
CREATE INDEX "statements_broke_glass" ON "statements" USING btree ("at") WHERE "statements"."broke_glass";
--> statement-breakpoint
CREATE INDEX "statements_rows" ON "statements" USING btree ("rows") WHERE "statements"."rows" >= 100;
--> statement-breakpoint
CREATE INDEX "statements_bytes" ON "statements" USING btree ("bytes") WHERE "statements"."bytes" >= 100000;
--> statement-breakpoint
CREATE INDEX "statements_duration" ON "statements" USING btree ("duration_ms") WHERE "statements"."duration_ms" >= 100;
--> statement-breakpoint
CREATE INDEX "statements_words" ON "statements" USING gin ("words");
--> statement-breakpoint
CREATE INDEX "statements_at" ON "statements" USING btree ("at","id");
--> statement-breakpoint
-- Outcomes that come after their statement was counted, wherever they come from, move it in the hours' counts. The shipper counts what it adds.
CREATE FUNCTION "recount_statements"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO statement_hours AS h (hour, source_id, form_id, verdict, status, sqlstate, rule, masked, statements, rows, bytes)
	SELECT date_trunc('hour', at, 'UTC'), source_id, form, verdict, status, coalesce(sqlstate, ''), coalesce(rule, ''),
		mask_id IS NOT NULL OR coalesce(detected @> '[{"mode": "enforce"}]', false), sum(n), sum(n * coalesce(rows, 0)), sum(n * coalesce(bytes, 0))
	FROM (SELECT -1 AS n, * FROM before UNION ALL SELECT 1, * FROM after) AS moved CROSS JOIN LATERAL (VALUES (form_id), (0)) AS forms(form)
	GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
	ORDER BY 1, 2, 3, 4, 5, 6, 7, 8
	ON CONFLICT (hour, source_id, form_id, verdict, status, sqlstate, rule, masked) DO UPDATE
	SET statements = h.statements + excluded.statements, rows = h.rows + excluded.rows, bytes = h.bytes + excluded.bytes;
	RETURN NULL;
END
$$;
--> statement-breakpoint
CREATE TRIGGER "statements_recount" AFTER UPDATE ON "statements" REFERENCING OLD TABLE AS before NEW TABLE AS after
	FOR EACH STATEMENT EXECUTE FUNCTION "recount_statements"();
--> statement-breakpoint
-- Substrings of texts are found faster with pg_trgm; where the store's role may not make extensions, they are found without.
DO $$
BEGIN
	CREATE EXTENSION IF NOT EXISTS pg_trgm;
	CREATE INDEX "statement_forms_shape" ON "statement_forms" USING gin ("shape" gin_trgm_ops);
EXCEPTION WHEN OTHERS THEN
	RAISE WARNING 'pg_trgm is not there: %', SQLERRM;
END
$$;
--> statement-breakpoint
CREATE SCHEMA "reporting";
--> statement-breakpoint
COMMENT ON SCHEMA "reporting" IS 'Views for reports (docs/bi.md): stable names, no values that clients sent.';
--> statement-breakpoint
CREATE VIEW "reporting"."audit_statements" AS
SELECT s.id AS statement_id, s.at, o.node, o.principal_name AS principal, o.owner_name AS owner, o.connection_name AS connection,
	o.application_name AS application, o.client_host AS client_address, s.client_port, s.session_id, f.kind, f.shape, f.fingerprint, f.protocol,
	f.tables, f.columns, f.unbounded, s.verdict, s.rule, s.status, s.sqlstate, s.rows, s.bytes, m.columns AS masked_columns,
	s.duration_ms, s.analysis_ms, s.wait_ms, s.upstream_ms, s.masking_ms, s.transaction_id, s.run_of, s.request_id, s.grant_id,
	s.broke_glass, s.policy_version, s.log_index, s.outcome_index
FROM statements s
JOIN statement_sources o ON o.id = s.source_id
JOIN statement_forms f ON f.id = s.form_id
LEFT JOIN statement_masks m ON m.id = s.mask_id;
--> statement-breakpoint
COMMENT ON VIEW "reporting"."audit_statements" IS 'One row a statement. Give a range of `at`: days are partitions.';
--> statement-breakpoint
CREATE VIEW "reporting"."audit_statement_hours" AS
SELECT h.hour, o.node, o.principal_name AS principal, o.owner_name AS owner, o.connection_name AS connection, o.application_name AS application,
	o.client_host AS client_address, f.kind, f.fingerprint, f.shape, f.tables, h.verdict, nullif(h.rule, '') AS rule, h.status,
	nullif(h.sqlstate, '') AS sqlstate, h.masked, h.statements, h.rows, h.bytes
FROM statement_hours h
JOIN statement_sources o ON o.id = h.source_id
JOIN statement_forms f ON f.id = h.form_id
WHERE h.statements > 0;
--> statement-breakpoint
COMMENT ON VIEW "reporting"."audit_statement_hours" IS 'Statements an hour (UTC) by what they have in common: sum `statements`, `rows`, `bytes`. Far fewer rows than audit_statements.';
--> statement-breakpoint
CREATE VIEW "reporting"."audit_sessions" AS
SELECT id AS session_id, coalesce(node, gateway_id) AS node, worker_id, principal_name AS principal, owner_name AS owner, connection_name AS connection,
	client_address, application_name AS application, started_at, ended_at, end_reason, enforcement, method, encrypted, statements_run AS statements,
	bytes_in, bytes_out, open_index, close_index
FROM sessions;
--> statement-breakpoint
COMMENT ON VIEW "reporting"."audit_sessions" IS 'One row a client session.';
--> statement-breakpoint
CREATE VIEW "reporting"."audit_approvals" AS
SELECT id AS request_id, statement_id, session_id, principal_name AS principal, connection_name AS connection, kind, rule, status, required,
	(SELECT count(*) FROM approval_decisions d WHERE d.request_id = r.id AND d.decision = 'approve') AS approvals,
	(SELECT count(*) FROM approval_decisions d WHERE d.request_id = r.id AND d.decision = 'reject') AS rejections,
	created_at, decided_at, ended_at, expires_at
FROM approval_requests r;
--> statement-breakpoint
COMMENT ON VIEW "reporting"."audit_approvals" IS 'One row a held statement, with how it ended. The text is not in it.';
--> statement-breakpoint
CREATE VIEW "reporting"."audit_transactions" AS
SELECT id AS transaction_id, at, node, session_id, outcome, statements, log_index FROM transactions;
--> statement-breakpoint
COMMENT ON VIEW "reporting"."audit_transactions" IS 'How transaction blocks ended.';
--> statement-breakpoint
CREATE VIEW "reporting"."audit_sign_in_failures" AS
SELECT at, node, principal_name AS principal, connection_name AS connection, client_address, sqlstate, reason, log_index FROM sign_in_failures;
--> statement-breakpoint
COMMENT ON VIEW "reporting"."audit_sign_in_failures" IS 'Who did not get in, by the names they gave.';
--> statement-breakpoint
CREATE VIEW "reporting"."audit_actions" AS
SELECT id AS action_id, at, actor_name AS actor, via, action, subject, log_index FROM actions;
--> statement-breakpoint
COMMENT ON VIEW "reporting"."audit_actions" IS 'What people and the CLI did, without what it was before and after.';
--> statement-breakpoint
CREATE VIEW "reporting"."audit_gaps" AS
SELECT at, node, log_index, kind, why FROM record_gaps;
--> statement-breakpoint
COMMENT ON VIEW "reporting"."audit_gaps" IS 'What this store does not have: entries that were damaged, or that it did not take.';
--> statement-breakpoint
CREATE VIEW "reporting"."audit_lag" AS
SELECT node, next_index AS entries_copied, log_size AS entries_then, log_size - next_index AS entries_behind, at FROM ship_positions;
--> statement-breakpoint
COMMENT ON VIEW "reporting"."audit_lag" IS 'How far each gateway''s log has been copied.';
