CREATE TABLE "approval_decisions" (
	"id" text PRIMARY KEY NOT NULL,
	"request_id" text NOT NULL,
	"reviewer_id" text NOT NULL,
	"reviewer_name" text NOT NULL,
	"decision" text NOT NULL,
	"reason" text,
	"at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "approval_decisions_once" UNIQUE("request_id","reviewer_id")
);
--> statement-breakpoint
CREATE TABLE "approval_requests" (
	"id" text PRIMARY KEY NOT NULL,
	"statement_id" text NOT NULL,
	"session_id" text NOT NULL,
	"gateway_id" text NOT NULL,
	"worker_id" text NOT NULL,
	"principal_id" text NOT NULL,
	"principal_name" text NOT NULL,
	"owner_id" text,
	"owner_name" text,
	"connection_name" text NOT NULL,
	"sql" text NOT NULL,
	"parameters" jsonb NOT NULL,
	"digest" text NOT NULL,
	"kind" text NOT NULL,
	"effects" jsonb NOT NULL,
	"relations" jsonb NOT NULL,
	"unbounded" boolean DEFAULT false NOT NULL,
	"rule" text NOT NULL,
	"why" text NOT NULL,
	"tried" jsonb NOT NULL,
	"requester_reason" text,
	"transaction_status" text NOT NULL,
	"reviewer_groups" jsonb NOT NULL,
	"required" integer NOT NULL,
	"status" text DEFAULT 'pending' NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	"decided_at" timestamp with time zone,
	"ended_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "actions" (
	"id" text PRIMARY KEY NOT NULL,
	"at" timestamp with time zone DEFAULT now() NOT NULL,
	"actor_id" text,
	"actor_name" text NOT NULL,
	"via" text NOT NULL,
	"action" text NOT NULL,
	"subject" text NOT NULL,
	"before" jsonb,
	"after" jsonb
);
--> statement-breakpoint
CREATE TABLE "journal_positions" (
	"journal" text NOT NULL,
	"segment" integer NOT NULL,
	"offset" bigint NOT NULL,
	CONSTRAINT "journal_positions_journal_pk" PRIMARY KEY("journal")
);
--> statement-breakpoint
CREATE TABLE "sessions" (
	"id" text PRIMARY KEY NOT NULL,
	"gateway_id" text NOT NULL,
	"worker_id" text NOT NULL,
	"principal_id" text NOT NULL,
	"principal_name" text NOT NULL,
	"owner_name" text,
	"connection_name" text NOT NULL,
	"client_address" text NOT NULL,
	"application_name" text DEFAULT '' NOT NULL,
	"started_at" timestamp with time zone DEFAULT now() NOT NULL,
	"ended_at" timestamp with time zone,
	"end_reason" text,
	"kill_requested_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "statements" (
	"id" text PRIMARY KEY NOT NULL,
	"session_id" text NOT NULL,
	"principal_name" text NOT NULL,
	"owner_name" text,
	"connection_name" text NOT NULL,
	"client_address" text NOT NULL,
	"application_name" text DEFAULT '' NOT NULL,
	"at" timestamp with time zone NOT NULL,
	"kind" text NOT NULL,
	"sql" text NOT NULL,
	"fingerprint" text DEFAULT '' NOT NULL,
	"protocol" text NOT NULL,
	"parameters" jsonb NOT NULL,
	"relations" jsonb NOT NULL,
	"effects" jsonb NOT NULL,
	"verdict" text NOT NULL,
	"rule" text,
	"why" text DEFAULT '' NOT NULL,
	"tried" jsonb NOT NULL,
	"policy_version" bigint NOT NULL,
	"request_id" text,
	"status" text NOT NULL,
	"rows" bigint,
	"bytes" bigint,
	"sqlstate" text,
	"masked_columns" jsonb NOT NULL,
	"duration_ms" double precision,
	"analysis_ms" double precision,
	"wait_ms" double precision,
	"transaction_status" text DEFAULT 'I' NOT NULL
);
--> statement-breakpoint
CREATE TABLE "groups" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	CONSTRAINT "groups_name_unique" UNIQUE("name")
);
--> statement-breakpoint
CREATE TABLE "principal_groups" (
	"principal_id" text NOT NULL,
	"group_id" text NOT NULL,
	CONSTRAINT "principal_groups_principal_id_group_id_pk" PRIMARY KEY("principal_id","group_id")
);
--> statement-breakpoint
CREATE TABLE "principals" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"kind" text NOT NULL,
	"email" text,
	"role" text DEFAULT 'member' NOT NULL,
	"owner_id" text,
	"disabled_at" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "principals_name_unique" UNIQUE("name")
);
--> statement-breakpoint
CREATE TABLE "sign_in_links" (
	"id" text PRIMARY KEY NOT NULL,
	"hash" text NOT NULL,
	"principal_id" text NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	"used_at" timestamp with time zone,
	CONSTRAINT "sign_in_links_hash_unique" UNIQUE("hash")
);
--> statement-breakpoint
CREATE TABLE "tokens" (
	"id" text PRIMARY KEY NOT NULL,
	"principal_id" text NOT NULL,
	"label" text DEFAULT '' NOT NULL,
	"hash" text NOT NULL,
	"hint" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp with time zone,
	"last_used_at" timestamp with time zone,
	"revoked_at" timestamp with time zone,
	CONSTRAINT "tokens_hash_unique" UNIQUE("hash")
);
--> statement-breakpoint
CREATE TABLE "access" (
	"id" text PRIMARY KEY NOT NULL,
	"position" integer NOT NULL,
	"connections" jsonb NOT NULL,
	"groups" jsonb NOT NULL
);
--> statement-breakpoint
CREATE TABLE "connections" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"host" text NOT NULL,
	"port" integer NOT NULL,
	"database" text NOT NULL,
	"username" text NOT NULL,
	"password_sealed" text,
	"tls" text DEFAULT 'prefer' NOT NULL,
	"default_action" text DEFAULT 'allow' NOT NULL,
	"opaque_action" text DEFAULT 'hold' NOT NULL,
	"superuser" text DEFAULT 'refuse' NOT NULL,
	"limits" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"record" jsonb DEFAULT '{"results":"off"}'::jsonb NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "connections_name_unique" UNIQUE("name")
);
--> statement-breakpoint
CREATE TABLE "masking_rules" (
	"id" text PRIMARY KEY NOT NULL,
	"position" integer NOT NULL,
	"name" text NOT NULL,
	"connections" jsonb NOT NULL,
	"columns" jsonb NOT NULL,
	"detect" jsonb NOT NULL,
	"mask" jsonb NOT NULL,
	"inference" text DEFAULT 'guarded' NOT NULL,
	"except_groups" jsonb NOT NULL,
	"mode" text DEFAULT 'enforce' NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "masking_rules_name_unique" UNIQUE("name")
);
--> statement-breakpoint
CREATE TABLE "policy_state" (
	"id" integer PRIMARY KEY NOT NULL,
	"version" bigint NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "rules" (
	"id" text PRIMARY KEY NOT NULL,
	"position" integer NOT NULL,
	"name" text NOT NULL,
	"connections" jsonb NOT NULL,
	"groups" jsonb NOT NULL,
	"match" jsonb NOT NULL,
	"action" text NOT NULL,
	"message" text,
	"approval" jsonb,
	"mode" text DEFAULT 'enforce' NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "rules_name_unique" UNIQUE("name")
);
--> statement-breakpoint
ALTER TABLE "approval_decisions" ADD CONSTRAINT "approval_decisions_request_id_approval_requests_id_fk" FOREIGN KEY ("request_id") REFERENCES "public"."approval_requests"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "approval_decisions" ADD CONSTRAINT "approval_decisions_reviewer_id_principals_id_fk" FOREIGN KEY ("reviewer_id") REFERENCES "public"."principals"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "principal_groups" ADD CONSTRAINT "principal_groups_principal_id_principals_id_fk" FOREIGN KEY ("principal_id") REFERENCES "public"."principals"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "principal_groups" ADD CONSTRAINT "principal_groups_group_id_groups_id_fk" FOREIGN KEY ("group_id") REFERENCES "public"."groups"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "principals" ADD CONSTRAINT "principals_owner_id_principals_id_fk" FOREIGN KEY ("owner_id") REFERENCES "public"."principals"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sign_in_links" ADD CONSTRAINT "sign_in_links_principal_id_principals_id_fk" FOREIGN KEY ("principal_id") REFERENCES "public"."principals"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "tokens" ADD CONSTRAINT "tokens_principal_id_principals_id_fk" FOREIGN KEY ("principal_id") REFERENCES "public"."principals"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "approval_requests_status" ON "approval_requests" USING btree ("status","created_at");--> statement-breakpoint
CREATE INDEX "approval_requests_session" ON "approval_requests" USING btree ("session_id");--> statement-breakpoint
CREATE INDEX "actions_at" ON "actions" USING btree ("at" DESC NULLS LAST);--> statement-breakpoint
CREATE INDEX "sessions_open" ON "sessions" USING btree ("ended_at","started_at");--> statement-breakpoint
CREATE INDEX "statements_at" ON "statements" USING btree ("at" DESC NULLS LAST,"id" DESC NULLS LAST);--> statement-breakpoint
CREATE INDEX "statements_session" ON "statements" USING btree ("session_id","at");--> statement-breakpoint
CREATE INDEX "statements_principal" ON "statements" USING btree ("principal_name","at" DESC NULLS LAST);--> statement-breakpoint
CREATE INDEX "statements_fingerprint" ON "statements" USING btree ("fingerprint","at" DESC NULLS LAST);--> statement-breakpoint
CREATE INDEX "tokens_principal" ON "tokens" USING btree ("principal_id");