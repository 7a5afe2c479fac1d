ALTER TABLE "statements" ADD COLUMN "reviewers" jsonb;
--> statement-breakpoint
CREATE INDEX "statements_reviewed" ON "statements" USING btree ("at") WHERE "statements"."reviewers" is not null;
--> statement-breakpoint
CREATE OR REPLACE VIEW "reporting"."audit_statements" AS
SELECT s.id AS statement_id, s.at, o.node, o.principal_name AS principal, o.owner_name AS owner, o.connection_name AS connection,
	o.application_name AS application, o.client_host AS client_address, s.client_port, s.session_id, f.kind, f.shape, f.fingerprint, f.protocol,
	f.tables, f.columns, f.unbounded, s.verdict, s.rule, s.status, s.sqlstate, s.rows, s.bytes, m.columns AS masked_columns,
	s.duration_ms, s.analysis_ms, s.wait_ms, s.upstream_ms, s.masking_ms, s.transaction_id, s.run_of, s.request_id, s.grant_id,
	s.broke_glass, s.policy_version, s.log_index, s.outcome_index, s.reviewers
FROM statements s
JOIN statement_sources o ON o.id = s.source_id
JOIN statement_forms f ON f.id = s.form_id
LEFT JOIN statement_masks m ON m.id = s.mask_id;
