CREATE TABLE "secret_keys" (
	"id" text NOT NULL,
	"wrapped_by" text NOT NULL,
	"wrapped" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "secret_keys_id_wrapped_by_pk" PRIMARY KEY("id","wrapped_by")
);
--> statement-breakpoint
ALTER TABLE "connections" ADD COLUMN "password_from" jsonb;--> statement-breakpoint
ALTER TABLE "connections" ADD COLUMN "session" jsonb DEFAULT '{"variables":{}}'::jsonb NOT NULL;