CREATE TABLE "connection_enforcement" (
	"connection_id" text PRIMARY KEY NOT NULL,
	"state" text NOT NULL,
	"verified_at" timestamp with time zone NOT NULL,
	"verified_by" text NOT NULL,
	"policy_version" bigint NOT NULL,
	"masking_digest" text NOT NULL,
	"catalog_fingerprint" text NOT NULL,
	"report" jsonb NOT NULL
);
--> statement-breakpoint
ALTER TABLE "sessions" ADD COLUMN "enforcement" text DEFAULT 'gateway' NOT NULL;--> statement-breakpoint
ALTER TABLE "connection_enforcement" ADD CONSTRAINT "connection_enforcement_connection_id_connections_id_fk" FOREIGN KEY ("connection_id") REFERENCES "public"."connections"("id") ON DELETE cascade ON UPDATE no action;