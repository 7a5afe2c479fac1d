CREATE TABLE "local_accounts" (
	"id" text PRIMARY KEY NOT NULL,
	"principal_id" text NOT NULL,
	"password_hash" text NOT NULL,
	"totp_sealed" text NOT NULL,
	"last_step" bigint NOT NULL,
	"recovery_hashes" text[] NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"changed_at" timestamp with time zone NOT NULL,
	CONSTRAINT "local_accounts_principal_id_unique" UNIQUE("principal_id")
);
--> statement-breakpoint
ALTER TABLE "local_accounts" ADD CONSTRAINT "local_accounts_principal_id_principals_id_fk" FOREIGN KEY ("principal_id") REFERENCES "public"."principals"("id") ON DELETE cascade ON UPDATE no action;