CREATE TABLE "approval_grants" (
	"id" text PRIMARY KEY NOT NULL,
	"request_id" text NOT NULL,
	"principal_id" text NOT NULL,
	"principal_name" text NOT NULL,
	"owner_id" text,
	"owner_name" text,
	"connection_name" text NOT NULL,
	"rule" text NOT NULL,
	"policy_version" bigint NOT NULL,
	"shape" text NOT NULL,
	"shape_is_exact" boolean NOT NULL,
	"sql" text NOT NULL,
	"session_id" text,
	"expires_at" timestamp with time zone,
	"reviewers" jsonb NOT NULL,
	"uses" bigint DEFAULT 0 NOT NULL,
	"last_used_at" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"revoked_at" timestamp with time zone,
	"revoked_by" text
);
--> statement-breakpoint
CREATE TABLE "policy_edits" (
	"id" text PRIMARY KEY NOT NULL,
	"kind" text NOT NULL,
	"name" text NOT NULL,
	"editor_id" text NOT NULL,
	"editor_name" text NOT NULL,
	"at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "approval_decisions" ADD COLUMN "scope" jsonb;--> statement-breakpoint
ALTER TABLE "approval_requests" ADD COLUMN "shape" text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE "approval_requests" ADD COLUMN "shape_is_exact" boolean DEFAULT true NOT NULL;--> statement-breakpoint
ALTER TABLE "approval_requests" ADD COLUMN "policy_version" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "statements" ADD COLUMN "grant_id" text;--> statement-breakpoint
ALTER TABLE "statements" ADD COLUMN "break_glass" text;--> statement-breakpoint
ALTER TABLE "approval_grants" ADD CONSTRAINT "approval_grants_request_id_approval_requests_id_fk" FOREIGN KEY ("request_id") REFERENCES "public"."approval_requests"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "approval_grants_shape" ON "approval_grants" USING btree ("shape","principal_id");--> statement-breakpoint
CREATE INDEX "approval_grants_request" ON "approval_grants" USING btree ("request_id");--> statement-breakpoint
CREATE INDEX "policy_edits_name" ON "policy_edits" USING btree ("kind","name","at");