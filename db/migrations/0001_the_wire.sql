ALTER TABLE "principals" ADD COLUMN "scram_salt" text DEFAULT encode(substring(sha256(uuid_send(gen_random_uuid())) from 1 for 16), 'base64') NOT NULL;--> statement-breakpoint
ALTER TABLE "principals" ADD COLUMN "limits" jsonb DEFAULT '{}'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "tokens" ADD COLUMN "scram" jsonb;--> statement-breakpoint
ALTER TABLE "connections" ADD COLUMN "tls_negotiation" text DEFAULT 'postgres' NOT NULL;--> statement-breakpoint
ALTER TABLE "connections" ADD COLUMN "tls_ca" text;--> statement-breakpoint
ALTER TABLE "connections" ADD COLUMN "tls_certificate" text;--> statement-breakpoint
ALTER TABLE "connections" ADD COLUMN "tls_key_sealed" text;--> statement-breakpoint
ALTER TABLE "connections" ADD COLUMN "function_call" text DEFAULT 'refuse' NOT NULL;